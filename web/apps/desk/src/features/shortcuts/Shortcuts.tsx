import { ActionIcon, Switch, Table } from '@mantine/core';
import { useDesk } from '@sinew/plugin';
import { Dialog, Icon, Key, useStoredChoice } from '@sinew/ui';
import { open } from './open.ts';
import { t } from './strings.ts';

export function ShortcutsButton() {
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size={36}
      visibleFrom="xs"
      aria-label={t('title')}
      aria-keyshortcuts="?"
      onClick={() => open.set(true)}
    >
      <Icon name="keyboard" />
    </ActionIcon>
  );
}

/** Every action that has a key, straight from the actions themselves. */
export function ShortcutsDialog() {
  const desk = useDesk();
  const [keys, setKeys] = useStoredChoice('keys', ['on', 'off'], 'on');
  return (
    <Dialog opened={open.use()} onClose={() => open.set(false)} title={t('title')}>
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('key')}</Table.Th>
            <Table.Th>{t('does')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {desk.actions.list().map(({ name, label, shortcut }) => {
            if (shortcut === undefined) return null;
            const names = typeof shortcut === 'string' ? [shortcut] : shortcut;
            return (
              <Table.Tr key={name}>
                <Table.Td>
                  {names.map((each, index) => (
                    <span key={each}>
                      {index > 0 && ` ${t('or')} `}
                      <Key name={each} />
                    </span>
                  ))}
                </Table.Td>
                <Table.Td>{label}</Table.Td>
              </Table.Tr>
            );
          })}
        </Table.Tbody>
      </Table>
      <Switch
        mt="lg"
        label={t('enabled')}
        description={t('enabledHint')}
        checked={keys === 'on'}
        onChange={(event) => setKeys(event.currentTarget.checked ? 'on' : 'off')}
      />
    </Dialog>
  );
}
