import { Button, Checkbox, TextInput } from '@mantine/core';
import { Icon, Status } from '@sinew/ui';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { overLine } from '../../shell/line.ts';
import { notify } from '../../shell/notices.ts';
import { useProblemFilter } from '../../shell/session.ts';
import { useRemote } from '../../shell/useRemote.ts';
import {
  deletePermission,
  listPermissions,
  type Permission,
  type Place,
  setPermission,
} from './source.ts';
import { t } from './strings.ts';
import styles from './Tab.module.css';
import { Trouble } from './Trouble.tsx';
import { troubleText } from './useAttempt.ts';

const REFRESH_MS = 5_000;
const RIGHTS = ['read', 'write', 'manage'] as const;
const MAY = { read: 'mayRead', write: 'mayWrite', manage: 'mayManage' } as const;

/** Which identity may do what with the object; to be changed in place. */
export function PermissionsTab({ place, aclEnabled }: { place: Place; aclEnabled: boolean }) {
  if (place.kind === 'stream') {
    return (
      <Status icon="person" title={t('noPermissionsTitle')}>
        <p>{t('streamPermissions')}</p>
      </Status>
    );
  }
  return <Permissions place={place} aclEnabled={aclEnabled} />;
}

function Permissions({ place, aclEnabled }: { place: Place; aclEnabled: boolean }) {
  const permissions = useRemote(
    `permissions ${place.sid}`,
    () => listPermissions(place),
    REFRESH_MS,
  );
  const { value, problem } = permissions;
  const filter = useProblemFilter();
  const tab = useRef<HTMLDivElement>(null);
  /** The row of a revoked identity: the focus goes to the one behind it, or to the field. */
  const revoked = useRef<number | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only then may the row have gone
  useEffect(() => {
    const row = revoked.current;
    if (row === null || document.activeElement !== document.body) return;
    revoked.current = null;
    const buttons = tab.current?.querySelectorAll<HTMLElement>('tbody button');
    const field = tab.current?.querySelector<HTMLElement>('form input');
    (buttons?.[Math.min(row, buttons.length - 1)] ?? field)?.focus();
  }, [value]);
  if (value === null) {
    if (problem === null) return <p className={styles.tab}>{t('loading')}</p>;
    return <Trouble problem={problem} retry={() => void permissions.reload()} />;
  }

  /** Does it, says so, and shows what holds now, whether it went well or not. */
  const change = async (done: Promise<void>, text: string): Promise<void> => {
    try {
      await overLine(done);
      notify('success', text);
    } catch (error) {
      const found = filter(error);
      if (found === null) return;
      notify('error', troubleText(found));
    }
    await permissions.reload();
  };
  const set = (permission: Permission) => {
    // Shown as chosen at once; read again once the server has said yes or no.
    permissions.set((known) =>
      known.map((one) => (one.identity === permission.identity ? permission : one)),
    );
    const { identity } = permission;
    return change(setPermission(place, permission), t('permissionSet', { identity }));
  };

  return (
    <div ref={tab} className={styles.tab}>
      {!aclEnabled && <p className={styles.note}>{t('aclOffText')}</p>}
      {value.length === 0 ? (
        <Status icon="person" title={t('noPermissionsTitle')}>
          <p>{aclEnabled ? t('noPermissionsText') : t('aclOffText')}</p>
        </Status>
      ) : (
        <div className={styles.scroll}>
          <table className={`${styles.table} ${styles.ticks}`}>
            <thead>
              <tr>
                <th scope="col">{t('identity')}</th>
                {RIGHTS.map((right) => (
                  <th key={right} scope="col">
                    {t(right)}
                  </th>
                ))}
                <th scope="col">{t('revokeShort')}</th>
              </tr>
            </thead>
            <tbody>
              {value.map((permission, row) => (
                <Row
                  key={permission.identity}
                  permission={permission}
                  set={set}
                  revoke={(identity) => {
                    revoked.current = row;
                    const done = deletePermission(place, identity);
                    return change(done, t('permissionRevoked', { identity }));
                  }}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Add add={set} />
    </div>
  );
}

interface RowProps {
  permission: Permission;
  set(permission: Permission): Promise<void>;
  revoke(identity: string): Promise<void>;
}

function Row({ permission, set, revoke }: RowProps) {
  const { identity } = permission;
  return (
    <tr>
      <th scope="row">{identity}</th>
      {RIGHTS.map((right) => (
        <td key={right}>
          <Checkbox
            aria-label={t(MAY[right], { identity })}
            checked={permission[right]}
            onChange={({ currentTarget }) =>
              void set({ ...permission, [right]: currentTarget.checked })
            }
          />
        </td>
      ))}
      <td>
        <Button
          size="xs"
          variant="default"
          aria-label={t('revoke', { identity })}
          onClick={() => void revoke(identity)}
        >
          <Icon name="trash" size={14} />
        </Button>
      </td>
    </tr>
  );
}

function Add({ add }: { add(permission: Permission): Promise<void> }) {
  const [identity, setIdentity] = useState('');
  const [trouble, setTrouble] = useState<string | null>(null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (identity.trim() === '') return setTrouble(t('identityMissing'));
    setTrouble(null);
    setIdentity('');
    void add({ identity: identity.trim(), read: true, write: false, manage: false });
  };
  return (
    <form className={styles.form} onSubmit={submit} noValidate>
      <TextInput
        aria-label={t('identity')}
        placeholder={t('identity')}
        value={identity}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        error={trouble}
        onChange={({ currentTarget }) => setIdentity(currentTarget.value)}
      />
      <Button type="submit" variant="default" leftSection={<Icon name="plus" size={14} />}>
        {t('addPermission')}
      </Button>
    </form>
  );
}
