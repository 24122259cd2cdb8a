// Projects by what a test needs: `pure` and `sim` nothing but a processor, `unit` timers and sockets as well, `mocked` a
// process for itself, `stores` a real Redis and Postgres that the test brings up, `e2e` the built program too. No retries
// anywhere: a test that passes the second time has found something.

import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { SlowestFirst } from './tests/support/slowest-first.ts';
import { whole } from './tests/support/whole.ts';

const storeTests = [
  '{src,bench}/**/*.{pg,redis}.test.ts',
  'tests/conformance/**/*.test.ts',
  'tests/support/*-server.test.ts',
];

const processTests = ['tests/e2e/**/*.test.ts', 'tests/fuzz/wire/*.e2e.test.ts'];

const mocked = '{src,bench,scripts}/**/*.hidden.test.ts';

/** Rules and readers, and nothing that waits for anything. */
const pureTests = [
  'src/domain/**/*.test.ts',
  '{src,tests}/**/*.prop.test.ts',
  'tests/fuzz/*.test.ts',
  'tests/linearisability/**/*.test.ts',
];

const simulation = 'tests/simulation/**/*.sim.test.ts';

/** On two cores vitest would take one. Each of the larger tests is several processes already, which more would starve. */
const maxWorkers = Math.max(2, Math.floor(availableParallelism() / 2));

/** `./test` runs what only reckons beside the others, in their pauses, with what those leave of the processors. */
const LOW_PRIORITY_MS = 600_000;

/** How long `expect.poll` waits: its own second is what a busy machine now and then takes for anything. */
const patience = { poll: { timeout: 30_000 } };

export default defineConfig({
  test: {
    // Tests that forget what they started must not be told apart from tests that hang.
    teardownTimeout: 10_000,
    allowOnly: false,
    maxWorkers,
    sequence: { sequencer: SlowestFirst },
    projects: [
      {
        test: {
          name: 'pure',
          include: pureTests,
          isolate: false,
          testTimeout: LOW_PRIORITY_MS,
          hookTimeout: LOW_PRIORITY_MS,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'unit',
          expect: patience,
          include: ['{src,bench,scripts}/**/*.test.ts', 'tests/**/*.test.ts'],
          exclude: [
            ...storeTests,
            ...processTests,
            ...pureTests,
            mocked,
            simulation,
            'tests/canary/**',
          ],
          // A process for each file, and all that it imports read anew, took longer than most of their tests.
          isolate: false,
          // Far more than any takes: a machine with other work must not turn a test red.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'mocked',
          include: [mocked],
          sequence: { groupOrder: 0 },
        },
      },
      {
        plugins: [whole((file) => file.endsWith('.sim.test.ts'))],
        test: {
          name: 'sim',
          expect: patience,
          include: [simulation],
          testTimeout: LOW_PRIORITY_MS,
          hookTimeout: LOW_PRIORITY_MS,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'stores',
          expect: patience,
          include: storeTests,
          isolate: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          globalSetup: ['tests/support/cluster-template.ts'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'e2e',
          expect: patience,
          include: processTests,
          isolate: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          globalSetup: ['tests/support/cluster-template.ts', 'tests/support/shared-postgres.ts'],
          // A third of them makes nothing quicker: two, and what reckons beside them, keep two processors busy.
          maxWorkers,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
