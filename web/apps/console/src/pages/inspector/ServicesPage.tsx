import { Icon } from '@sinew/ui';
import { Link } from 'react-router';
import { useRemote } from '../../shell/useRemote.ts';
import { servicePath } from './paths.ts';
import styles from './ServicesPage.module.css';
import { listServices } from './source.ts';
import { t } from './strings.ts';
import { Trouble } from './Trouble.tsx';
import { instantText } from './time.ts';
import { useTitle } from './useTitle.ts';

const REFRESH_MS = 5_000;

/** Every service of the account. */
export function ServicesPage() {
  const services = useRemote('services', listServices, REFRESH_MS);
  useTitle(t('services'));
  return (
    <div className={styles.page}>
      <h1>{t('services')}</h1>
      <p className={styles.lead}>{t('servicesText')}</p>
      {services.value === null && services.problem !== null && (
        <Trouble problem={services.problem} retry={() => void services.reload()} />
      )}
      <ul className={styles.services} aria-busy={services.value === null}>
        {services.value?.map((service) => (
          <li key={service.sid}>
            <Link to={servicePath(service.sid)} className={styles.service}>
              <span className={styles.name}>{service.name ?? t('defaultName')}</span>
              <span className={styles.sid}>{service.sid}</span>
              <span className={styles.facts}>
                <span>{t('created', { time: instantText(service.createdAt) })}</span>
                <span>{service.aclEnabled ? t('aclOn') : t('aclOff')}</span>
                {service.webhookUrl !== null && <span>{t('webhook')}</span>}
              </span>
              <span className={styles.go}>
                <Icon name="chevron" />
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </div>
  );
}
