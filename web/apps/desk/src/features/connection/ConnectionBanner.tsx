import { LostBanner } from '@sinew/frame';
import { useDesk, useDeskState } from '@sinew/plugin';
import { t } from './strings.ts';

/** What it means for work that the server is not heard. */
export function ConnectionBanner() {
  const desk = useDesk();
  const link = useDeskState((state) => state.link);
  if (link.kind !== 'lost') return null;
  return (
    <LostBanner
      sinceMs={link.sinceMs}
      now={() => desk.now()}
      text={(time) => t('lostText', { time })}
      retry={() => desk.reconnect()}
    />
  );
}
