import { Button } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { Icon } from '@sinew/ui';
import { type ReactNode, useId, useState } from 'react';
import { useRemote } from '../../shell/useRemote.ts';
import { type Place, type Removal, readHistory } from './source.ts';
import { t } from './strings.ts';
import styles from './TimeBar.module.css';
import { fieldMs, fieldText, instantText, secondIso } from './time.ts';
import { useLook } from './useLook.ts';

/** The journal is asked for the instant after a slider rests this long. */
const REST_MS = 150;

interface TimeBarProps {
  place: Place;
  /** How the object went; then there is no now, but a last moment. */
  removal?: Removal | undefined;
  /** What else can be done with what is shown now; earlier, nothing can. */
  children?: ReactNode;
}

/** Now, or an earlier instant: by slider, by field, and back. */
export function TimeBar({ place, removal, children }: TimeBarProps) {
  const [{ at }, setLook] = useLook();
  if (at) {
    return (
      <Earlier
        place={place}
        at={at}
        removal={removal}
        setAt={(next, how) => setLook({ at: next }, how)}
      />
    );
  }
  return (
    <div className={styles.bar}>
      <EarlierButton removal={removal} />
      {children}
    </div>
  );
}

/** The way to an earlier instant; it begins with the present one, or where something ended. */
export function EarlierButton({ removal }: { removal?: Removal | undefined }) {
  const [, setLook] = useLook();
  const begin = () =>
    setLook({ at: removal === undefined ? secondIso(Date.now()) : lastInstant(removal) });
  return (
    <Button
      size="xs"
      variant="default"
      leftSection={<Icon name="clock" size={14} />}
      onClick={begin}
    >
      {t('earlier')}
    </Button>
  );
}

/** The last whole second it was there; of what was there for less, the last instant. */
function lastInstant({ createdAt, removedAt }: Removal): string {
  const second = secondIso(Date.parse(removedAt) - 1_000);
  if (Date.parse(second) >= Date.parse(createdAt)) return second;
  return new Date(Date.parse(removedAt) - 1).toISOString();
}

interface EarlierProps {
  place: Place;
  at: string;
  removal: Removal | undefined;
  setAt(at: string | null, how: 'push' | 'replace'): void;
}

function Earlier({ place, at, removal, setAt }: EarlierProps) {
  const id = useId();
  const [now] = useState(() =>
    removal === undefined ? Date.now() : Date.parse(removal.removedAt),
  );
  const reach = useRemote(`reach ${place.service} ${place.sid}`, () =>
    readHistory(place, { size: 1 }),
  );
  const given = Date.parse(at);
  const [typed, setTyped] = useState({ at, ms: given });
  // The address may have been changed by something else: a link, or Back.
  const shown = typed.at === at ? typed.ms : given;
  const go = useDebouncedCallback((ms: number) => {
    const next = secondIso(ms);
    setTyped({ at: next, ms });
    setAt(next, 'replace');
  }, REST_MS);
  const move = (ms: number) => {
    setTyped({ at, ms });
    go(ms);
  };
  const reachesTo = reach.value?.reachesTo ?? null;
  const first = Math.min(reachesTo === null ? given : Date.parse(reachesTo), given);
  return (
    <section className={styles.earlier} aria-label={t('earlierTitle')} data-testid="time">
      <div className={styles.controls}>
        <label htmlFor={`${id}-field`}>{t('earlierAt')}</label>
        <input
          id={`${id}-field`}
          type="datetime-local"
          step={1}
          value={fieldText(shown)}
          max={fieldText(now)}
          onChange={({ currentTarget }) => {
            const ms = fieldMs(currentTarget.value);
            if (ms !== null) move(ms);
          }}
        />
        <input
          type="range"
          aria-label={t('earlierSlider')}
          aria-valuetext={instantText(new Date(shown).toISOString())}
          min={Math.floor(first / 1000)}
          max={Math.floor(now / 1000)}
          step={1}
          value={Math.floor(shown / 1000)}
          onChange={({ currentTarget }) => move(currentTarget.valueAsNumber * 1000)}
        />
        <Button size="xs" onClick={() => setAt(null, 'push')}>
          {t(removal === undefined ? 'toNow' : 'toLast')}
        </Button>
      </div>
      <p role="status">
        {t('asOf', { time: instantText(at) })}{' '}
        {reachesTo !== null && t('historyReaches', { time: instantText(reachesTo) })}
      </p>
    </section>
  );
}
