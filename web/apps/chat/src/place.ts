/**
 * Where a request stands: ahead in the queue, taken, finished. Follows what the server pushes.
 */
import { follow, type HelpRequest, type Place } from '@sinew/api';
import { make } from './dom.ts';
import { t } from './strings.en.ts';

/** So many failed attempts in a row are more than a short break. */
const MANY_LOSSES = 4;

export interface Asked {
  token: string;
  request: HelpRequest;
}

export function placeView(asked: Asked, onAgain: () => void, onEnded: () => void): HTMLElement {
  const heading = make('h1', { tabIndex: -1 }, t('placing'));
  const text = make('p', { className: 'muted' });
  const state = make(
    'div',
    { className: 'state', attributes: { role: 'status', 'aria-live': 'polite' } },
    heading,
    text,
  );
  const lost = make('p', { className: 'lost', hidden: true, attributes: { role: 'alert' } });
  const again = make('button', { className: 'primary', hidden: true, type: 'button' }, t('again'));
  again.addEventListener('click', () => {
    stop();
    onEnded();
    onAgain();
  });

  const show = (place: Place) => {
    const said = describe(place);
    // The same words again would be read out again.
    if (heading.textContent !== said.title) heading.textContent = said.title;
    if (text.textContent !== said.text) text.textContent = said.text;
    state.dataset.status = place.status;
    again.hidden = place.status !== 'ended';
    if (place.status === 'ended') onEnded();
  };

  let losses = 0;
  const stop = follow({
    token: asked.token,
    onPlace: show,
    onLink: (link) => {
      lost.hidden = link === 'live';
      lost.textContent = link === 'live' ? '' : t('lost');
      losses = link === 'live' ? 0 : losses + 1;
      // A request the server no longer knows cannot be told from a bad line; one may start anew.
      if (losses >= MANY_LOSSES) again.hidden = false;
    },
  });

  queueMicrotask(() => heading.focus());
  return make(
    'div',
    {},
    lost,
    state,
    make(
      'section',
      { className: 'asked', attributes: { 'aria-label': t('yourQuestion') } },
      make('p', { className: 'muted' }, t('yourQuestion')),
      make('blockquote', {}, asked.request.text),
    ),
    again,
  );
}

export function describe(place: Place): { title: string; text: string } {
  switch (place.status) {
    case 'waiting':
      if (place.ahead === 0) return { title: t('nextTitle'), text: t('nextText') };
      return {
        title: place.ahead === 1 ? t('aheadOne') : t('aheadMany', { count: place.ahead }),
        text: t('aheadText'),
      };
    case 'taken':
      return {
        title: place.agent === '' ? t('takenTitleNoName') : t('takenTitle', { agent: place.agent }),
        text: t('takenText'),
      };
    case 'ended':
      return { title: t('endedTitle'), text: t('endedText') };
  }
}
