import { useSyncExternalStore } from 'react';

/** The reservation whose transfer is being asked about, while the dialog is open. */
let asked: string | null = null;
const listeners = new Set<() => void>();

export const dialog = {
  open: (sid: string) => set(sid),
  close: () => set(null),
  use: () =>
    useSyncExternalStore(
      (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      () => asked,
    ),
};

function set(sid: string | null): void {
  asked = sid;
  for (const listener of listeners) listener();
}
