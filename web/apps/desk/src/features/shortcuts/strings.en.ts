export const english = {
  title: 'Keyboard shortcuts',
  key: 'Key',
  does: 'What it does',
  or: 'or',
  enabled: 'Single keys act',
  enabledHint: 'Switch off if you use speech input. Tab, Enter and the arrows always work.',
};
