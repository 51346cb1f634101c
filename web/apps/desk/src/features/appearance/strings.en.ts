export const english = {
  button: 'Appearance',
  auto: 'As the system',
  light: 'Light',
  dark: 'Dark',
};
