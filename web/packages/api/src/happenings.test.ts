import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { followHappenings, type Happening, readHappenings } from './happenings.ts';

const encoder = new TextEncoder();

function streamOf(...chunks: readonly string[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(encoder.encode(chunk));
      controller.close();
    },
  });
}

async function read(...chunks: readonly string[]): Promise<Happening[]> {
  const found: Happening[] = [];
  for await (const happening of readHappenings(streamOf(...chunks))) found.push(happening);
  return found;
}

describe('a stream of happenings', () => {
  it('is read whole however it was cut into pieces', async () => {
    const text = ': alive\n\nid: 7\nevent: change\ndata: {"a":"ü"}\n\nevent: lost\ndata: {}\n\n';
    const expected = [
      { id: '7', name: 'change', data: '{"a":"ü"}' },
      { id: null, name: 'lost', data: '{}' },
    ];
    expect(await read(text)).toEqual(expected);
    expect(await read(...text)).toEqual(expected);
  });

  it('leaves out what was not finished, and joins lines', async () => {
    expect(await read('data: 1\r\ndata: 2\r\n\r\ndata: half')).toEqual([
      { id: null, name: 'message', data: '1\n2' },
    ]);
  });
});

describe('following', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  function begin(answers: readonly (() => Promise<Response>)[]) {
    const asked: string[] = [];
    const heard: string[] = [];
    let next = 0;
    vi.stubGlobal('fetch', (path: string, { signal }: RequestInit) => {
      asked.push(path);
      const answer = answers[next];
      next += 1;
      const aborted = new Promise<Response>((_, reject) => {
        signal?.addEventListener('abort', () => reject(new Error('aborted')));
      });
      return Promise.race([answer?.() ?? aborted, aborted]);
    });
    const stop = followHappenings({
      path: (after) => `/events?${after ?? 'now'}`,
      onHappening: ({ id }) => heard.push(`happening ${id}`),
      onLine: (line) => heard.push(line),
      onRefused: ({ status }) => heard.push(`refused ${status}`),
    });
    return { asked, heard, stop };
  }

  it('goes on from the last one after the line broke', async () => {
    const { asked, heard, stop } = begin([
      async () => new Response(streamOf('id: 7\ndata: 1\n\n')),
      async () => new Response(streamOf('id: 8\ndata: 1\n\n')),
    ]);
    await vi.advanceTimersByTimeAsync(2_000);
    stop();
    expect(asked.slice(0, 3)).toEqual(['/events?now', '/events?7', '/events?8']);
    expect(heard.slice(0, 6)).toEqual([
      'live',
      'happening 7',
      'lost',
      'live',
      'happening 8',
      'lost',
    ]);
  });

  it('takes long silence for a broken line', async () => {
    const silent = () => new Promise<Response>(() => undefined);
    const { asked, heard, stop } = begin([silent, silent]);
    await vi.advanceTimersByTimeAsync(24_000);
    expect(heard).toEqual([]);
    await vi.advanceTimersByTimeAsync(2_500);
    expect(heard).toEqual(['lost']);
    expect(asked).toHaveLength(2);
    stop();
  });

  it('ends where the server refuses', async () => {
    const { asked, heard } = begin([async () => Response.json({ code: 1 }, { status: 404 })]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(heard).toEqual(['refused 404']);
    expect(asked).toHaveLength(1);
  });
});
