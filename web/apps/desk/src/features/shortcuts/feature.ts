/** The list of keys, and the switch that turns single keys off. */
import { contribute, defineAction, defineFeature } from '@sinew/plugin';
import { open } from './open.ts';
import { ShortcutsButton, ShortcutsDialog } from './Shortcuts.tsx';
import { t } from './strings.ts';

export default defineFeature({
  name: 'shortcuts',
  contributions: [
    contribute('header.end', 'shortcuts.button', ShortcutsButton, 30),
    contribute('background', 'shortcuts.dialog', ShortcutsDialog),
  ],
  actions: [
    defineAction({
      name: 'ShowShortcuts',
      label: t('title'),
      shortcut: '?',
      run: () => open.set(true),
    }),
  ],
});
