/**
 * Which lines of two texts belong together.
 */

export interface Line {
  text: string;
  /** Only this side has it. */
  isOwn: boolean;
}

export interface Comparison {
  mine: Line[];
  theirs: Line[];
  /** Lines that only one side has, counted on both. */
  differing: number;
}

/** Beyond this many pairs of lines, what differs is only told from the rest as a whole. */
const PAIRS_MAX = 4_000_000;

/** Keeps the longest common run of lines; same beginnings and ends cost nothing. */
export function compareLines(mine: string, theirs: string): Comparison {
  const [a, b] = [mine.split('\n'), theirs.split('\n')];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (
    end < a.length - start &&
    end < b.length - start &&
    a[a.length - 1 - end] === b[b.length - 1 - end]
  ) {
    end += 1;
  }
  const common = commonLines(a.slice(start, a.length - end), b.slice(start, b.length - end));
  const lines = (all: string[], shared: ReadonlySet<number>): Line[] =>
    all.map((text, at) => ({
      text,
      isOwn: at >= start && at < all.length - end && !shared.has(at - start),
    }));
  const [left, right] = [lines(a, common.inA), lines(b, common.inB)];
  const differing = [...left, ...right].filter(({ isOwn }) => isOwn).length;
  return { mine: left, theirs: right, differing };
}

function commonLines(a: string[], b: string[]): { inA: Set<number>; inB: Set<number> } {
  const inA = new Set<number>();
  const inB = new Set<number>();
  if (a.length * b.length > PAIRS_MAX) return { inA, inB };
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  const at = (row: number, column: number) => lengths[row * width + column] ?? 0;
  for (let row = a.length - 1; row >= 0; row -= 1) {
    for (let column = b.length - 1; column >= 0; column -= 1) {
      lengths[row * width + column] =
        a[row] === b[column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  let row = 0;
  let column = 0;
  while (row < a.length && column < b.length) {
    if (a[row] === b[column]) {
      inA.add(row);
      inB.add(column);
      row += 1;
      column += 1;
    } else if (at(row + 1, column) >= at(row, column + 1)) row += 1;
    else column += 1;
  }
  return { inA, inB };
}
