import { createTheme, type MantineColorsTuple, MantineProvider } from '@mantine/core';
import '@mantine/core/styles.css';
import './ui.css';
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

const theme = createTheme({
  primaryColor: 'sinew',
  primaryShade: { light: 7, dark: 5 },
  colors: { sinew },
  autoContrast: true,
  luminanceThreshold: 0.32,
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
