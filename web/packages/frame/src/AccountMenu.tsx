import { Menu } from '@mantine/core';
import type { Role } from '@sinew/api';
import { Icon } from '@sinew/ui';
import { HeaderMenu } from './HeaderMenu.tsx';
import { t } from './strings.ts';

interface AccountMenuProps {
  username: string;
  /** As colleagues know them; the user name where there is none. */
  name: string;
  role: Role;
  signOut(): void;
}

/** Who is signed in, and signing out. */
export function AccountMenu({ username, name, role, signOut }: AccountMenuProps) {
  return (
    <HeaderMenu icon="person" label={t('account', { name: username })}>
      <Menu.Label>
        {name} · {t(role)}
      </Menu.Label>
      <Menu.Item leftSection={<Icon name="signOut" size={16} />} onClick={signOut}>
        {t('signOut')}
      </Menu.Item>
    </HeaderMenu>
  );
}
