/**
 * What the pages look like: theme, small components, time on screen. Knows no domain.
 */
export { Countdown } from './Countdown.tsx';
export { useCopy } from './copy.ts';
export { Dialog } from './Dialog.tsx';
export { Duration } from './Duration.tsx';
export { createFlag, type Flag } from './flag.ts';
export { Icon, type IconName } from './Icon.tsx';
export { JsonView } from './JsonView.tsx';
export { type JsonNode, JsonSyntaxError, leafCount, member, readJson, writeJson } from './json.ts';
export { Key } from './Key.tsx';
export { Rows, type RowsHandle } from './Rows.tsx';
export { Status, StatusPage } from './StatusPage.tsx';
export { readChoice, useStoredChoice } from './stored.ts';
export { type Strings, strings } from './strings.ts';
export { clockText, useNow } from './time.ts';
export { UiProvider } from './UiProvider.tsx';
