/**
 * What a feature is and what it may use. First-party features have nothing beyond this.
 *
 * - A feature contributes to named slots, registers actions and listens to events.
 * - Features know each other only through these names; any folder can be deleted whole.
 * - The state is one immutable snapshot; a change makes a new one.
 */
export * from './actions.ts';
export * from './channels.ts';
export * from './desk.ts';
export * from './events.ts';
export * from './feature.ts';
export * from './react.tsx';
export * from './state.ts';
