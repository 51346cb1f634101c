import { createFlag } from '@sinew/ui';

/** Whether the list of keys is shown. */
export const open = createFlag();
