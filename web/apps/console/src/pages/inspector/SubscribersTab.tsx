import { Status } from '@sinew/ui';
import { useRemote } from '../../shell/useRemote.ts';
import { listSubscribers, type Place } from './source.ts';
import { t } from './strings.ts';
import styles from './Tab.module.css';
import { Trouble } from './Trouble.tsx';
import { instantText } from './time.ts';

const REFRESH_MS = 2_000;

/** Who is told of changes now, and how far behind each is. */
export function SubscribersTab({ place }: { place: Place }) {
  const subscribers = useRemote(
    `subscribers ${place.sid}`,
    () => listSubscribers(place),
    REFRESH_MS,
  );
  const { value, problem } = subscribers;
  if (value === null) {
    if (problem === null) return <p className={styles.tab}>{t('loading')}</p>;
    return <Trouble problem={problem} retry={() => void subscribers.reload()} />;
  }
  if (value.length === 0) {
    return (
      <Status icon="eye" title={t('noSubscribersTitle')}>
        <p>{t('noSubscribersText')}</p>
      </Status>
    );
  }
  return (
    <div className={styles.tab}>
      <div className={styles.scroll}>
        <table className={`${styles.table} ${styles.stacked}`}>
          <thead>
            <tr>
              <th scope="col">{t('identity')}</th>
              <th scope="col">{t('since')}</th>
              <th scope="col">{t('lastEvent')}</th>
              <th scope="col">{t('waiting')}</th>
              <th scope="col">{t('connection')}</th>
            </tr>
          </thead>
          <tbody>
            {value.map((one) => (
              <tr key={`${one.connection} ${one.identity}`}>
                <td>
                  <strong>{one.identity ?? t('console')}</strong>
                </td>
                <td data-label={t('since')}>{one.since === null ? '' : instantText(one.since)}</td>
                <td data-label={t('lastEvent')}>{one.lastEventId ?? t('catchingUp')}</td>
                <td data-label={t('waiting')}>
                  {t('waitingBytes', { bytes: one.waitingBytes.toLocaleString() })}
                </td>
                <td data-label={t('connection')} className={styles.code}>
                  {one.connection}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
