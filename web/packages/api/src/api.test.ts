import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { follow, type Place, pauseMs, readPlace } from './chat-demo.ts';
import { call, measureClock, Problem, serverNow } from './http.ts';

describe('the server’s clock', () => {
  afterEach(() => measureClock(new Date().toUTCString(), Date.now(), Date.now()));

  it.each([0, 1, 500, 999])(
    'is this machine’s where only its whole seconds differ, at .%d s',
    (ms) => {
      const at = 1_795_260_000_000 + ms;
      measureClock(new Date(at).toUTCString(), at - 30, at + 40);
      // The clock goes on between the two looks.
      const [before, now, after] = [Date.now(), serverNow(), Date.now()];
      expect(now).toBeGreaterThan(before - 5);
      expect(now).toBeLessThan(after + 5);
    },
  );

  it('is followed where it differs', () => {
    const at = Date.now();
    measureClock(new Date(at + 60_000).toUTCString(), at, at + 40);
    expect(serverNow() - Date.now()).toBeGreaterThan(58_500);
    expect(serverNow() - Date.now()).toBeLessThan(61_500);
  });
});

describe('a call', () => {
  function answer(status: number, body: unknown) {
    const fetched = vi.fn(async (_path: string, _options: RequestInit) =>
      Response.json(body, { status }),
    );
    vi.stubGlobal('fetch', fetched);
    return fetched;
  }
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it('always says that a page asks: it may change something, and asks for sign-ins itself', async () => {
    const fetched = answer(200, {});
    await call('POST', '/x', { a: 1 });
    await call('GET', '/x');
    const headers = fetched.mock.calls.map(([, options]) => new Headers(options.headers));
    expect(headers[0]?.get('x-sinew-csrf')).toBe('1');
    expect(headers[1]?.get('x-sinew-csrf')).toBe('1');
  });

  it.each([
    [401, 'signed-out'],
    [403, 'not-allowed'],
    [404, 'not-found'],
    [429, 'too-many'],
    [400, 'invalid'],
    [503, 'server'],
  ])('tells %d as %s', async (status, kind) => {
    answer(status, { code: 20_001, message: 'no', more_info: '', status });
    const problem = await call('GET', '/x').catch((error: unknown) => error);
    expect(problem).toBeInstanceOf(Problem);
    expect(problem).toMatchObject({ kind, status, code: 20_001, message: 'no' });
  });

  it('tells a server that does not answer as unreachable', async () => {
    vi.stubGlobal('fetch', async () => {
      throw new TypeError('Failed to fetch');
    });
    await expect(call('GET', '/x')).rejects.toMatchObject({ kind: 'unreachable' });
  });
});

describe('a place in the queue', () => {
  it('is read from a frame; signs of life and the unknown are nothing', () => {
    expect(readPlace('{"status":"waiting","ahead":3}')).toEqual({ status: 'waiting', ahead: 3 });
    expect(readPlace('{"status":"taken","agent":"Dana Reyes"}')).toEqual({
      status: 'taken',
      agent: 'Dana Reyes',
    });
    expect(readPlace('{"status":"ended"}')).toEqual({ status: 'ended' });
    for (const frame of ['   ', 'x', '[]', '{"status":"new"}']) expect(readPlace(frame)).toBeNull();
  });

  it('is asked for again with growing pauses within bounds', () => {
    expect(pauseMs(0, 1)).toBe(800);
    expect(pauseMs(2, 1)).toBe(3_200);
    expect(pauseMs(30, 1)).toBe(15_000);
    expect(pauseMs(30, 0)).toBe(7_500);
  });

  describe('followed over a line that breaks', () => {
    class Line {
      static all: Line[] = [];
      readyState = 0;
      onopen: (() => void) | null = null;
      onmessage: ((event: { data: string }) => void) | null = null;
      onclose: (() => void) | null = null;
      constructor(readonly url: string) {
        Line.all.push(this);
      }
      close() {
        this.readyState = 3;
      }
    }
    beforeEach(() => {
      Line.all = [];
      vi.useFakeTimers();
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    it('connects again, says so, and stops at the end', () => {
      const places: Place[] = [];
      const links: string[] = [];
      follow({
        token: 't/1',
        onPlace: (place) => places.push(place),
        onLink: (link) => links.push(link),
        open: (url) => new Line(url) as unknown as WebSocket,
      });
      expect(Line.all[0]?.url).toMatch(/^ws.*\/chat\/demo\/updates\?token=t%2F1$/);
      Line.all[0]?.onopen?.();
      Line.all[0]?.onmessage?.({ data: '{"status":"waiting","ahead":1}' });
      Line.all[0]?.onclose?.();
      expect(links).toEqual(['live', 'lost']);
      vi.advanceTimersByTime(800);
      expect(Line.all).toHaveLength(2);
      Line.all[1]?.onopen?.();
      Line.all[1]?.onmessage?.({ data: '{"status":"ended"}' });
      vi.advanceTimersByTime(600_000);
      expect(links).toEqual(['live', 'lost', 'live']);
      expect(places.map((place) => place.status)).toEqual(['waiting', 'ended']);
      expect(Line.all).toHaveLength(2);
    });

    it('takes long silence for a broken line', () => {
      const links: string[] = [];
      const stop = follow({
        token: 't',
        onPlace: () => undefined,
        onLink: (link) => links.push(link),
        open: (url) => new Line(url) as unknown as WebSocket,
      });
      Line.all[0]?.onopen?.();
      vi.advanceTimersByTime(40_000);
      Line.all[0]?.onmessage?.({ data: ' ' });
      vi.advanceTimersByTime(40_000);
      expect(links).toEqual(['live']);
      vi.advanceTimersByTime(10_000);
      expect(links).toEqual(['live', 'lost']);
      stop();
    });
  });
});
