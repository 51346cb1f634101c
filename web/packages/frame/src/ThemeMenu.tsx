import { Menu, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { HeaderMenu } from './HeaderMenu.tsx';
import { t } from './strings.ts';

const CHOICES = ['auto', 'light', 'dark'] as const;

/** Light, dark, or as the system. */
export function ThemeMenu() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const shown = useComputedColorScheme('light');
  return (
    <HeaderMenu icon={shown === 'dark' ? 'moon' : 'sun'} label={t('appearance')}>
      <Menu.RadioGroup value={colorScheme}>
        {CHOICES.map((choice) => (
          <Menu.RadioItem
            key={choice}
            value={choice}
            closeMenuOnClick
            onChange={() => setColorScheme(choice)}
          >
            {t(choice)}
          </Menu.RadioItem>
        ))}
      </Menu.RadioGroup>
    </HeaderMenu>
  );
}
