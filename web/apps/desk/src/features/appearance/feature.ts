/** Light, dark, or as the system. */
import { contribute, defineFeature } from '@sinew/plugin';
import { ThemeMenu } from './ThemeMenu.tsx';

export default defineFeature({
  name: 'appearance',
  contributions: [contribute('header.end', 'appearance.menu', ThemeMenu, 20)],
});
