import { beforeEach, describe, expect, it, vi } from 'vitest';

describe('a draft', () => {
  beforeEach(() => {
    sessionStorage.clear();
    vi.resetModules();
  });

  it('is found again after a reload and forgotten when dropped', async () => {
    const before = await import('./drafts.ts');
    before.changeDraft('WT1', { code: 'sold' });
    before.changeDraft('WT1', { note: 'called back' });
    vi.resetModules();
    const after = await import('./drafts.ts');
    expect(after.draftOf('WT1')).toEqual({
      code: 'sold',
      note: 'called back',
      isIncomplete: false,
    });
    expect(after.draftOf('WT2').code).toBe('');
    after.dropDraft('WT1');
    expect(after.draftOf('WT1').code).toBe('');
    expect(sessionStorage).toHaveLength(0);
  });

  it('that cannot be read is an empty one', async () => {
    sessionStorage.setItem('sinew.wrap-up.WT1', '{');
    const { draftOf } = await import('./drafts.ts');
    expect(draftOf('WT1').code).toBe('');
  });
});
