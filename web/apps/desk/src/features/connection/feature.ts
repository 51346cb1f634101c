/** Tells when the line to the server is lost and when it is back. */
import { contribute, defineFeature } from '@sinew/plugin';
import { ConnectionBanner } from './ConnectionBanner.tsx';
import { t } from './strings.ts';

export default defineFeature({
  name: 'connection',
  contributions: [contribute('banner', 'connection.banner', ConnectionBanner)],
  start(desk) {
    let wasLost = false;
    return desk.events.on('connectionStateChanged', ({ link }) => {
      if (link.kind === 'lost') wasLost = true;
      if (link.kind !== 'live' || !wasLost) return;
      wasLost = false;
      desk.notify('success', t('restored'));
    });
  },
});
