/**
 * Follows what happens on the server, as `text/event-stream`.
 *
 * - A line that breaks or falls silent is opened again, from the last happening that was heard.
 * - Read by `fetch`: `EventSource` hides signs of life and why the server refused.
 * - Knows nothing about what happens.
 */
import { pauseMs } from './chat-demo.ts';
import { Problem, readProblem } from './http.ts';

export interface Happening {
  id: string | null;
  name: string;
  data: string;
}

export interface HappeningsOptions {
  /** The address that follows on from an id; `null` begins with what happens from now on. */
  path(after: string | null): string;
  /** Where to begin. */
  after?: string | null;
  onHappening(happening: Happening): void;
  /** Whether what happens is heard. */
  onLine(line: 'live' | 'lost'): void;
  /** The server will not have it; nothing follows. */
  onRefused(problem: Problem): void;
}

/** The server gives a sign of life every ten seconds at least. */
const SILENCE_MS = 25_000;

/** Follows until the function it returns is called. */
export function followHappenings(options: HappeningsOptions): () => void {
  let after = options.after ?? null;
  let attempt = 0;
  let over = false;
  let controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function open(): Promise<void> {
    controller = new AbortController();
    const { signal } = controller;
    const watch = watchdog(() => controller.abort());
    try {
      const response = await fetch(options.path(after), {
        headers: { Accept: 'text/event-stream' },
        credentials: 'same-origin',
        cache: 'no-store',
        signal,
      });
      watch.heard();
      if (!response.ok) throw await readProblem(response);
      if (over || response.body === null) return;
      attempt = 0;
      options.onLine('live');
      for await (const happening of readHappenings(response.body, watch.heard)) {
        if (over) return;
        after = happening.id ?? after;
        options.onHappening(happening);
      }
    } catch (error) {
      if (over) return;
      if (error instanceof Problem && error.status >= 400 && error.status < 500) {
        over = true;
        return options.onRefused(error);
      }
    } finally {
      watch.stop();
    }
    if (over) return;
    options.onLine('lost');
    timer = setTimeout(() => void open(), pauseMs(attempt));
    attempt += 1;
  }

  void open();
  return () => {
    over = true;
    clearTimeout(timer);
    controller.abort();
  };
}

/** Calls back once nothing was heard for too long. */
function watchdog(onSilence: () => void) {
  let timer = setTimeout(onSilence, SILENCE_MS);
  return {
    heard() {
      clearTimeout(timer);
      timer = setTimeout(onSilence, SILENCE_MS);
    },
    stop: () => clearTimeout(timer),
  };
}

/** The happenings in a stream of text, each as soon as its closing blank line is there. */
export async function* readHappenings(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  onChunk: () => void = () => undefined,
): AsyncGenerator<Happening> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onChunk();
      const blocks = (rest + value).replaceAll('\r\n', '\n').split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const happening = readBlock(block);
        if (happening !== null) yield happening;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** `null` for a block of comments alone, which is a sign of life. */
function readBlock(block: string): Happening | null {
  const happening: Happening = { id: null, name: 'message', data: '' };
  const lines: string[] = [];
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const value = line.slice(colon + 1).replace(/^ /, '');
    if (line.startsWith('id:')) happening.id = value;
    if (line.startsWith('event:')) happening.name = value;
    if (line.startsWith('data:')) lines.push(value);
  }
  if (lines.length === 0 && happening.name === 'message') return null;
  happening.data = lines.join('\n');
  return happening;
}
