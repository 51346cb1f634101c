/**
 * The visitor's page: ask, see the place in the queue, see who took it.
 *
 * - A reload finds the running request again; closing the tab forgets it.
 */
import { listTopics, Problem } from '@sinew/api';
import './chat.css';
import { make } from './dom.ts';
import { helpForm } from './form.ts';
import { type Asked, placeView } from './place.ts';
import { t } from './strings.en.ts';

const KEPT = 'sinew.chat.request';

const root = document.getElementById('root');
if (root === null) throw new Error('the page has no root');
const show = (...content: Node[]) =>
  root.replaceChildren(make('div', { className: 'card' }, ...content));

function start(): void {
  const kept = readKept();
  if (kept === null) void showForm();
  else showPlace(kept);
}

async function showForm(): Promise<void> {
  try {
    const topics = await listTopics();
    show(
      make('h1', {}, t('title')),
      make('p', { className: 'muted' }, t('intro')),
      helpForm(topics, (token, request) => {
        const asked = { token, request };
        keep(asked);
        showPlace(asked);
      }),
    );
  } catch (problem) {
    showClosed(problem instanceof Problem && problem.kind === 'not-found');
  }
}

function showPlace(asked: Asked): void {
  show(placeView(asked, () => void showForm(), forget));
}

function showClosed(isOff: boolean): void {
  const retry = make('button', { className: 'primary', type: 'button' }, t('retry'));
  retry.addEventListener('click', () => void showForm());
  show(
    make('h1', {}, isOff ? t('offTitle') : t('downTitle')),
    make('p', { className: 'muted' }, isOff ? t('offText') : t('downText')),
    ...(isOff ? [] : [retry]),
  );
}

function keep(asked: Asked): void {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(asked));
  } catch {
    // A reload then starts anew.
  }
}

function forget(): void {
  try {
    sessionStorage.removeItem(KEPT);
  } catch {
    // Nothing was kept.
  }
}

function readKept(): Asked | null {
  try {
    const asked = JSON.parse(sessionStorage.getItem(KEPT) ?? 'null') as Asked | null;
    return typeof asked?.token === 'string' ? asked : null;
  } catch {
    return null;
  }
}

start();
