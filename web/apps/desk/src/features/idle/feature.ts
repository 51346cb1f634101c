/** The canvas without a task. */
import { contribute, defineFeature } from '@sinew/plugin';
import { Idle } from './Idle.tsx';

export default defineFeature({
  name: 'idle',
  contributions: [contribute('canvas.empty', 'idle.hint', Idle)],
});
