import { Button } from '@mantine/core';
import { Icon } from '@sinew/ui';
import { useState } from 'react';
import { Link, useNavigate } from 'react-router';
import { useRemote } from '../../shell/useRemote.ts';
import { servicePath } from './paths.ts';
import { ServiceDialog } from './ServiceDialog.tsx';
import styles from './ServicesPage.module.css';
import { listServices, type Service } from './source.ts';
import { t } from './strings.ts';
import { Trouble } from './Trouble.tsx';
import { instantText } from './time.ts';
import { useTitle } from './useTitle.ts';

const REFRESH_MS = 5_000;

/** Every service of the account. */
export function ServicesPage() {
  const services = useRemote('services', listServices, REFRESH_MS);
  const [isMaking, setMaking] = useState(false);
  const navigate = useNavigate();
  useTitle(t('services'));
  return (
    <div className={styles.page}>
      <div className={styles.top}>
        <h1>{t('services')}</h1>
        <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setMaking(true)}>
          {t('newService')}
        </Button>
      </div>
      {isMaking && (
        <ServiceDialog
          service={null}
          done={({ sid }) => navigate(servicePath(sid))}
          close={() => setMaking(false)}
        />
      )}
      <p className={styles.lead}>{t('servicesText')}</p>
      {services.value === null && services.problem !== null && (
        <Trouble problem={services.problem} retry={() => void services.reload()} />
      )}
      <ul className={styles.services} aria-busy={services.value === null}>
        {services.value?.map((service) => (
          <li key={service.sid}>
            <Link to={servicePath(service.sid)} className={styles.service}>
              <span className={styles.name}>{serviceName(service)}</span>
              <span className={styles.sid}>{service.sid}</span>
              <span className={styles.facts}>
                {service.isDefault && <span>{t('isDefault')}</span>}
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

/** Its name, or what stands for one. */
export function serviceName({ name, isDefault }: Service): string {
  return name ?? (isDefault ? t('defaultName') : t('unnamedService'));
}
