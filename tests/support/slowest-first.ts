// The order of test files where nothing is known yet of how long they take, as in a fresh clone: vitest would take the
// largest first, and the slowest of all would run alone at the end.

import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Slowest first. `crash` waits for a minute of the clock beside its work. */
const SLOW = [
  'crash',
  'postgres-away',
  'log-loss',
  'stores',
  'chaos',
  'disk',
  'cuts',
  'power-cuts',
];

export class SlowestFirst extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(specifications);
    const slow = SLOW.flatMap((name) =>
      sorted.filter(({ moduleId }) => moduleId.endsWith(`/tests/e2e/${name}.test.ts`)),
    );
    // What belongs together is put apart again by vitest, group by group, in this order.
    return [...slow, ...sorted.filter((each) => !slow.includes(each))];
  }
}
