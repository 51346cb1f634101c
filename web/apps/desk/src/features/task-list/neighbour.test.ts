import type { TaskView } from '@sinew/plugin';
import { describe, expect, it } from 'vitest';
import { neighbour } from './neighbour.ts';

const tasks = ['WT1', 'WT2', 'WT3'].map((taskSid) => ({ taskSid }) as TaskView);

describe('moving in the list', () => {
  it.each([
    ['WT1', 1, 'WT2'],
    ['WT3', 1, 'WT3'],
    ['WT3', -1, 'WT2'],
    ['WT1', -1, 'WT1'],
    [null, 1, 'WT1'],
    [null, -1, 'WT3'],
    ['gone', 1, 'WT1'],
  ] as const)('from %s by %d is %s', (selectedTaskSid, step, target) => {
    expect(neighbour({ tasks, selectedTaskSid }, step)).toBe(target);
  });

  it('leads nowhere without tasks', () => {
    expect(neighbour({ tasks: [], selectedTaskSid: null }, 1)).toBeNull();
  });
});
