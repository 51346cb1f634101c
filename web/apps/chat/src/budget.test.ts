// @vitest-environment node
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { describe, expect, it } from 'vitest';
import { describe as describePlace } from './place.ts';

/** What a visitor on a slow line loads before the page can be used. */
const BUDGET_BYTES = 8_000;

describe('the visitor page', () => {
  it('stays small', async () => {
    const result = await build({
      root: join(import.meta.dirname, '..'),
      logLevel: 'silent',
      build: { write: false },
    });
    const outputs = Array.isArray(result) ? result : [result];
    const files = outputs.flatMap((each) => ('output' in each ? each.output : []));
    const sizes = files.map(
      (file) => gzipSync(file.type === 'chunk' ? file.code : file.source).byteLength,
    );
    expect(files.some((file) => file.fileName.endsWith('.js'))).toBe(true);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(BUDGET_BYTES);
  }, 30_000);

  it('says the place in words', () => {
    expect(describePlace({ status: 'waiting', ahead: 0 }).title).toBe('You are next');
    expect(describePlace({ status: 'waiting', ahead: 1 }).title).toBe('One person is ahead of you');
    expect(describePlace({ status: 'waiting', ahead: 4 }).title).toBe('4 people are ahead of you');
    expect(describePlace({ status: 'taken', agent: 'Dana Reyes' }).title).toBe(
      'Dana Reyes is helping you',
    );
    expect(describePlace({ status: 'ended' }).title).toBe('This request is finished');
  });
});
