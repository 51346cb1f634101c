/** Light, dark, or as the system. */
import { ThemeMenu } from '@sinew/frame';
import { contribute, defineFeature } from '@sinew/plugin';

export default defineFeature({
  name: 'appearance',
  contributions: [contribute('header.end', 'appearance.menu', ThemeMenu, 20)],
});
