import { Button, Checkbox, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { notify } from '../../shell/notices.ts';
import { DeleteDialog } from './DeleteDialog.tsx';
import { FormDialog } from './FormDialog.tsx';
import { servicesPath } from './paths.ts';
import { deleteService, type Service, type ServiceSettings, writeService } from './source.ts';
import { t } from './strings.ts';
import { useAttempt } from './useAttempt.ts';

interface ServiceDialogProps {
  /** Whose settings; `null` makes a new one. */
  service: Service | null;
  done(service: Service): void;
  close(): void;
}

const AS_NEW: ServiceSettings = {
  name: null,
  aclEnabled: false,
  webhookUrl: null,
  webhooksFromRest: false,
  reachabilityWebhooks: false,
  debouncing: false,
  debouncingWindowMs: '5000',
};

/** A service's settings: of a new one, or to be changed; with the way to delete it. */
export function ServiceDialog({ service, done, close }: ServiceDialogProps) {
  const [settings, setSettings] = useState<ServiceSettings>(service ?? AS_NEW);
  const [isDeleting, setDeleting] = useState(false);
  const attempt = useAttempt();
  const set = (change: Partial<ServiceSettings>) =>
    setSettings((known) => ({ ...known, ...change }));
  const submit = () =>
    attempt.run(async () => {
      const written = await writeService(service?.sid ?? null, settings);
      notify('success', service === null ? t('serviceMade') : t('serviceSaved'));
      close();
      done(written);
    });
  if (isDeleting && service !== null) {
    return <DeleteService service={service} close={close} />;
  }
  return (
    <FormDialog
      title={service === null ? t('newService') : t('serviceSettings')}
      action={service === null ? t('create') : t('save')}
      attempt={attempt}
      submit={() => void submit()}
      close={close}
      apart={
        service !== null &&
        !service.isDefault && (
          <Button variant="subtle" onClick={() => setDeleting(true)}>
            {t('deleteService')}
          </Button>
        )
      }
    >
      <TextInput
        label={t('serviceName')}
        value={settings.name ?? ''}
        data-autofocus
        autoComplete="off"
        onChange={({ currentTarget }) => set({ name: currentTarget.value })}
      />
      <Checkbox
        label={t('aclEnabled')}
        description={t('aclEnabledText')}
        checked={settings.aclEnabled}
        onChange={({ currentTarget }) => set({ aclEnabled: currentTarget.checked })}
      />
      <TextInput
        label={t('webhookUrl')}
        description={t('webhookUrlText')}
        type="url"
        autoComplete="off"
        spellCheck={false}
        value={settings.webhookUrl ?? ''}
        onChange={({ currentTarget }) => set({ webhookUrl: currentTarget.value })}
      />
      <Checkbox
        label={t('webhooksFromRest')}
        checked={settings.webhooksFromRest}
        onChange={({ currentTarget }) => set({ webhooksFromRest: currentTarget.checked })}
      />
      <Checkbox
        label={t('reachabilityWebhooks')}
        checked={settings.reachabilityWebhooks}
        onChange={({ currentTarget }) => set({ reachabilityWebhooks: currentTarget.checked })}
      />
      <Checkbox
        label={t('debouncing')}
        description={t('debouncingText')}
        checked={settings.debouncing}
        onChange={({ currentTarget }) => set({ debouncing: currentTarget.checked })}
      />
      {settings.debouncing && (
        <TextInput
          label={t('debouncingWindow')}
          inputMode="numeric"
          value={settings.debouncingWindowMs}
          onChange={({ currentTarget }) => set({ debouncingWindowMs: currentTarget.value })}
        />
      )}
    </FormDialog>
  );
}

function DeleteService({ service, close }: { service: Service; close(): void }) {
  const navigate = useNavigate();
  const name = service.name ?? service.sid;
  return (
    <DeleteDialog
      title={t('deleteServiceTitle', { name })}
      text={t('deleteServiceText')}
      word={name}
      close={close}
      work={async () => {
        await deleteService(service.sid);
        notify('success', t('serviceDeleted', { name }));
        navigate(servicesPath);
      }}
    />
  );
}
