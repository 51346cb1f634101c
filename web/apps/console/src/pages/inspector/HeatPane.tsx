import { SegmentedControl } from '@mantine/core';
import { Icon, Status } from '@sinew/ui';
import { useState } from 'react';
import { Link, useOutletContext } from 'react-router';
import { useRemote } from '../../shell/useRemote.ts';
import { Findings } from './Findings.tsx';
import styles from './HeatPane.module.css';
import { objectPath } from './paths.ts';
import { KIND_ICONS, rateText, type ServiceContext } from './ServicePage.tsx';
import { type ObjectRow, readHeat } from './source.ts';
import { t } from './strings.ts';
import { Stale, Trouble } from './Trouble.tsx';
import { instantText } from './time.ts';
import { useTitle } from './useTitle.ts';

const REFRESH_MS = 2_000;
const SPANS_S = [10, 60] as const;

/** Which objects are busy, and which of them are used in a way that will hurt. */
export function HeatPane() {
  const { service, about } = useOutletContext<ServiceContext>();
  const [seconds, setSeconds] = useState<number>(60);
  const read = () => readHeat(service, seconds);
  const heat = useRemote(`heat ${service} ${seconds}`, read, REFRESH_MS);
  useTitle(t('heat'), about?.name ?? service);
  const most = Math.max(1, ...(heat.value?.objects ?? []).map(busyness));
  return (
    <div className={styles.heat}>
      <div className={styles.top}>
        <div>
          <h2>{t('heat')}</h2>
          <p>{t('heatText', { seconds })}</p>
          {heat.value !== null && (
            <p className={styles.since}>
              {t('heatSince', {
                time: instantText(heat.value.countedSince),
                every: REFRESH_MS / 1000,
              })}
            </p>
          )}
        </div>
        <SegmentedControl
          size="xs"
          aria-label={t('heatOver')}
          value={String(seconds)}
          onChange={(value) => setSeconds(Number(value))}
          data={SPANS_S.map((span) => ({
            value: String(span),
            label: t('seconds', { seconds: span }),
          }))}
        />
      </div>
      {heat.value === null && heat.problem !== null && (
        <Trouble problem={heat.problem} retry={() => void heat.reload()} />
      )}
      {heat.value !== null && heat.problem !== null && <Stale problem={heat.problem} />}
      {heat.value?.objects.length === 0 && (
        <Status icon="flame" title={t('heatColdTitle')}>
          <p>{t('heatCold')}</p>
        </Status>
      )}
      <ul className={styles.objects} aria-label={t('heat')} aria-busy={heat.value === null}>
        {heat.value?.objects.map((object) => (
          <li key={object.sid} className={styles.object}>
            <HeatLine service={service} object={object} most={most} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function busyness({ readsPerSecond, writesPerSecond, eventsPerSecond }: ObjectRow): number {
  return Math.max(readsPerSecond, writesPerSecond, eventsPerSecond);
}

function HeatLine(props: { service: string; object: ObjectRow; most: number }) {
  const { service, object, most } = props;
  const rates = [
    { name: t('writesHead'), perSecond: object.writesPerSecond },
    { name: t('reads'), perSecond: object.readsPerSecond },
    { name: t('events'), perSecond: object.eventsPerSecond },
  ];
  return (
    <>
      <Link to={objectPath(service, object.sid)} className={styles.name}>
        <Icon name={KIND_ICONS[object.kind]} size={18} />
        <span title={object.name ?? undefined}>{object.name ?? object.sid}</span>
      </Link>
      <dl className={styles.rates}>
        {rates.map(({ name, perSecond }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <span className={styles.track} aria-hidden="true">
                <span className={styles.bar} style={{ width: `${(100 * perSecond) / most}%` }} />
              </span>
              <span className={styles.rate}>{rateText(perSecond)}</span>
            </dd>
          </div>
        ))}
      </dl>
      <Findings findings={object.findings} />
    </>
  );
}
