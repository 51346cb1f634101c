import { createTheme, type MantineColorsTuple, MantineProvider } from '@mantine/core';
import './styles.ts';
import type { ReactNode } from 'react';

const sinew: MantineColorsTuple = [
  '#e8f8f6',
  '#d5efeb',
  '#aadfd7',
  '#7ccdc2',
  '#54beb0',
  '#2aa999',
  '#118e80',
  '#0f766e',
  '#0d625b',
  '#0a4f4a',
];

/** The greys of dark surfaces; Mantine's own are warmer than ours. */
const dark: MantineColorsTuple = [
  '#e6ebef',
  '#c3ccd4',
  '#9aa8b4',
  '#74828e',
  '#313c45',
  '#2a343c',
  '#222b32',
  '#1a2127',
  '#12171c',
  '#0c1014',
];

const theme = createTheme({
  primaryColor: 'sinew',
  primaryShade: 7,
  colors: { sinew, dark },
  defaultRadius: 'md',
  cursorType: 'pointer',
  focusRing: 'auto',
  respectReducedMotion: true,
  fontFamily:
    'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "Cascadia Mono", Menlo, "DejaVu Sans Mono", monospace',
});

/** Follows the system's light or dark until someone chooses; the choice stays in this browser. */
export function UiProvider({ children }: { children: ReactNode }) {
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto">
      {children}
    </MantineProvider>
  );
}
