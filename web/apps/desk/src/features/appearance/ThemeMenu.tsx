import { ActionIcon, Menu, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { Icon } from '@sinew/ui';
import { t } from './strings.ts';

const CHOICES = ['auto', 'light', 'dark'] as const;

export function ThemeMenu() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const shown = useComputedColorScheme('light');
  return (
    <Menu position="bottom-end" shadow="md" transitionProps={{ duration: 0 }}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size={36} aria-label={t('button')}>
          <Icon name={shown === 'dark' ? 'moon' : 'sun'} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown aria-label={t('button')}>
        {CHOICES.map((choice) => (
          <Menu.Item
            key={choice}
            role="menuitemradio"
            aria-checked={choice === colorScheme}
            rightSection={choice === colorScheme && <Icon name="check" size={16} />}
            onClick={() => setColorScheme(choice)}
          >
            {t(choice)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
