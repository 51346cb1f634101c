import { ActionIcon, Menu } from '@mantine/core';
import { Icon, type IconName } from '@sinew/ui';
import type { ReactNode } from 'react';

interface HeaderMenuProps {
  icon: IconName;
  label: string;
  children: ReactNode;
}

/** A button of the strip at the top that opens a menu below itself. */
export function HeaderMenu({ icon, label, children }: HeaderMenuProps) {
  return (
    <Menu
      position="bottom-end"
      shadow="md"
      withinPortal={false}
      withInitialFocusPlaceholder={false}
      transitionProps={{ duration: 0 }}
    >
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size={36} aria-label={label}>
          <Icon name={icon} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>{children}</Menu.Dropdown>
    </Menu>
  );
}
