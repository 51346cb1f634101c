import { ActionIcon, Menu } from '@mantine/core';
import type { Role } from '@sinew/api';
import { Icon } from '@sinew/ui';
import type { ReactNode } from 'react';
import { t } from './strings.ts';

interface AccountMenuProps {
  username: string;
  /** As colleagues know them; the user name where there is none. */
  name: string;
  role: Role;
  signOut(): void;
  /** More to do, above signing out. */
  children?: ReactNode;
}

/** Who is signed in, and signing out. */
export function AccountMenu({ username, name, role, signOut, children }: AccountMenuProps) {
  return (
    <Menu
      position="bottom-end"
      shadow="md"
      withinPortal={false}
      withInitialFocusPlaceholder={false}
      transitionProps={{ duration: 0 }}
    >
      <Menu.Target>
        <ActionIcon
          variant="subtle"
          color="gray"
          size={36}
          aria-label={t('account', { name: username })}
        >
          <Icon name="person" />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {name} · {t(role)}
        </Menu.Label>
        {children}
        <Menu.Item leftSection={<Icon name="signOut" size={16} />} onClick={signOut}>
          {t('signOut')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
