/**
 * The desk inside React: hooks, and the component that fills a slot.
 */
import {
  Component,
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useSyncExternalStore,
} from 'react';
import type { ActionName, ActionPayloads } from './actions.ts';
import type { Desk } from './desk.ts';
import type { Contribution, Feature, SlotName, SlotProps } from './feature.ts';
import type { DeskState } from './state.ts';

const DeskContext = createContext<Desk | null>(null);
const FeaturesContext = createContext<readonly Feature[]>([]);

export const DeskProvider = DeskContext.Provider;
export const FeaturesProvider = FeaturesContext.Provider;

export function useDesk(): Desk {
  const desk = useContext(DeskContext);
  if (desk === null) throw new Error('used outside of a desk');
  return desk;
}

/** The selector must give the same value for the same state. */
export function useDeskState<T>(select: (state: DeskState) => T): T {
  const desk = useDesk();
  return useSyncExternalStore(
    useCallback((listener) => desk.subscribe(listener), [desk]),
    () => select(desk.getState()),
  );
}

export interface ActionHandle {
  label: string;
  shortcut: string | null;
  enabled: boolean;
  invoke(): void;
}

/** Null where no feature offers that action. */
export function useAction<N extends ActionName>(
  name: N,
  payload: ActionPayloads[N],
): ActionHandle | null {
  const desk = useDesk();
  const enabled = useDeskState(() => desk.actions.canInvoke(name, payload));
  const definition = desk.actions.find(name);
  if (definition === null) return null;
  const keys = definition.shortcut;
  return {
    label: definition.label,
    shortcut: (typeof keys === 'string' ? keys : keys?.[0]) ?? null,
    enabled,
    invoke: () => void desk.actions.invoke(name, payload),
  };
}

export function Slot<S extends SlotName>({ name, ...props }: { name: S } & SlotProps[S]) {
  const features = useContext(FeaturesContext);
  const found = features
    .flatMap((feature) => feature.contributions ?? [])
    .filter((contribution) => contribution.slot === name)
    .sort((a, b) => (a.order ?? 0) - (b.order ?? 0));
  return found.map((contribution) => (
    <Guard key={contribution.key}>
      <Filled contribution={contribution} props={props as unknown as SlotProps[S]} />
    </Guard>
  ));
}

function Filled({ contribution, props }: { contribution: Contribution; props: object }) {
  const Content = contribution.component as React.ComponentType<object>;
  return <Content {...props} />;
}

/** A broken feature leaves a gap, never a blank page. */
class Guard extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override componentDidCatch(error: unknown) {
    reportError(error);
  }

  override render() {
    return this.state.failed ? null : this.props.children;
  }
}
