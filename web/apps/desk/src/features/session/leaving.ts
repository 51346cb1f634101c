import { createFlag } from '@sinew/ui';

/** Whether signing out has been asked for and waits for an answer. */
export const leaving = createFlag();
