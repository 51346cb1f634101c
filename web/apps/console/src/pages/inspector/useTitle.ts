import { useEffect } from 'react';

/** What the window is called while this is shown. */
export function useTitle(...parts: readonly (string | null)[]): void {
  const title = [...parts, 'Sinew'].filter((part) => part !== null).join(' · ');
  useEffect(() => {
    document.title = title;
  }, [title]);
}
