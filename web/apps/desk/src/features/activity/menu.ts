import { createFlag } from '@sinew/ui';

/** Whether the list of activities is open. */
export const menu = createFlag();
