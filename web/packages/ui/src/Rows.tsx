import {
  type KeyboardEvent,
  type ReactNode,
  type RefObject,
  useEffect,
  useId,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';
import styles from './Rows.module.css';

export interface RowsHandle {
  /** Takes the focus; to a row, or where it was. */
  focus(row?: number): void;
}

interface RowsProps {
  label: string;
  count: number;
  rowHeight: number;
  /** What a row shows; of one that is not known yet, what stands in its place. */
  render(row: number): ReactNode;
  isSelected(row: number): boolean;
  onOpen(row: number): void;
  /** Which rows are looked at now. */
  onLook?(first: number, last: number): void;
  /**
   * Names rows by what they show, so that what is read stays where it is when something is added
   * or removed above.
   */
  names?: { nameOf(row: number): string | null; rowOf(name: string): number | null };
  handle?: RefObject<RowsHandle | null>;
}

/** Rows above and below what is seen that are drawn, so that scrolling meets no blank. */
const OVERSCAN = 12;
/** Browsers stop counting pixels somewhere beyond 17 million; longer lists scroll faster. */
const MAX_PX = 15_000_000;

/**
 * A list of any length of which only what is seen is drawn: all rows are equally high.
 *
 * One stop for the Tab key; arrows, Page Up, Page Down, Home and End move within, Enter opens.
 */
export function Rows({
  label,
  count,
  rowHeight,
  render,
  isSelected,
  onOpen,
  onLook,
  names,
  handle,
}: RowsProps) {
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 0 });
  const [active, setActive] = useState(0);

  const full = count * rowHeight;
  const drawn = Math.min(full, MAX_PX);
  const room = Math.max(1, drawn - view.height);
  const scale = drawn === full ? 1 : (full - view.height) / room;
  const offset = Math.min(view.top, room) * scale;
  const firstSeen = Math.min(count, Math.floor(offset / rowHeight));
  const lastSeen = Math.min(count - 1, Math.ceil((offset + view.height) / rowHeight) - 1);
  const first = Math.max(0, firstSeen - OVERSCAN);
  const last = Math.min(count - 1, lastSeen + OVERSCAN);
  const current = Math.min(active, count - 1);

  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const measure = () => setView({ top: element.scrollTop, height: element.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useEffect(() => onLook?.(firstSeen, lastSeen), [onLook, firstSeen, lastSeen]);

  const anchor = useRef<{ name: string; row: number } | null>(null);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null || names === undefined) return;
    const held = anchor.current;
    const row = held === null ? null : names.rowOf(held.name);
    const isMoved = held !== null && row !== null && row !== held.row;
    // At the very top one looks at the beginning, whatever it is.
    if (isMoved && held.row === firstSeen && element.scrollTop > 0) {
      element.scrollTop += ((row - held.row) * rowHeight) / scale;
      setActive((active) => Math.max(0, active + row - held.row));
      anchor.current = { name: held.name, row };
      return;
    }
    const name = names.nameOf(firstSeen);
    anchor.current = name === null ? null : { name, row: firstSeen };
  });

  const show = (row: number) => {
    const element = box.current;
    if (element === null) return;
    const top = row * rowHeight;
    const bottom = top + rowHeight - view.height;
    if (top < offset) element.scrollTop = top / scale;
    else if (bottom > offset) element.scrollTop = Math.ceil(bottom / scale);
  };
  const move = (row: number) => {
    const next = Math.max(0, Math.min(count - 1, row));
    setActive(next);
    show(next);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = targetOf(event.key, current, count, lastSeen - firstSeen);
    if (target !== null) move(target);
    else if (event.key === 'Enter' || event.key === ' ') onOpen(current);
    else return;
    event.preventDefault();
  };
  const isLed = useRef(false);
  useImperativeHandle(handle, () => ({
    focus(row) {
      isLed.current = row !== undefined;
      if (row !== undefined) move(row);
      box.current?.focus();
      isLed.current = false;
    },
  }));
  const onFocus = () => {
    // Where the keyboard was may have been scrolled away.
    if (isLed.current) return;
    if (current < firstSeen || current > lastSeen) setActive(firstSeen);
  };

  const rows = [];
  for (let row = first; row <= last; row += 1) {
    rows.push(
      // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus, its rows do not
      // biome-ignore lint/a11y/useKeyWithClickEvents: the list hears the keys
      <div
        key={row}
        id={`${id}-${row}`}
        role="option"
        aria-selected={isSelected(row)}
        aria-posinset={row + 1}
        aria-setsize={count}
        data-active={row === current}
        className={styles.row}
        style={{
          height: rowHeight,
          transform: `translateY(${scale === 1 ? row * rowHeight : view.top + row * rowHeight - offset}px)`,
        }}
        onClick={() => {
          setActive(row);
          onOpen(row);
        }}
      >
        {render(row)}
      </div>,
    );
  }
  const isDrawn = current >= first && current <= last;
  return (
    <div
      ref={box}
      role="listbox"
      aria-label={label}
      tabIndex={0}
      aria-activedescendant={isDrawn ? `${id}-${current}` : undefined}
      className={styles.rows}
      onScroll={({ currentTarget: { scrollTop, clientHeight } }) =>
        setView({ top: scrollTop, height: clientHeight })
      }
      onKeyDown={onKeyDown}
      onFocus={onFocus}
    >
      <div role="presentation" style={{ height: drawn }} className={styles.all}>
        {rows}
      </div>
    </div>
  );
}

function targetOf(key: string, row: number, count: number, page: number): number | null {
  switch (key) {
    case 'ArrowDown':
      return row + 1;
    case 'ArrowUp':
      return row - 1;
    case 'PageDown':
      return row + Math.max(1, page);
    case 'PageUp':
      return row - Math.max(1, page);
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return null;
  }
}
