// What a lifecycle costs, in counts that no noise can touch: a change that appends more, sends more or copies more is
// seen here, however busy the machine is.

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'rolldown';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Counted } from './count.ts';
import { FIGURES } from './figures.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LIMIT_MS = 60_000;
const FLAGS = ['--expose-gc', '--no-opt', '--min-semi-space-size=128', '--max-semi-space-size=128'];

describe('a lifecycle', () => {
  let folder = '';
  let counted: Counted;

  beforeAll(async () => {
    folder = await mkdtemp(`${ROOT}node_modules/.guard-`);
    const file = `${folder}/count.mjs`;
    await build({
      cwd: ROOT,
      input: 'tests/guard/count.ts',
      platform: 'node',
      external: [/^[^./]/],
      output: { file, format: 'esm', sourcemap: 'inline' },
      logLevel: 'warn',
    });
    const { stdout } = await promisify(execFile)(process.execPath, [...FLAGS, file]);
    counted = JSON.parse(stdout) as Counted;
    const lines = FIGURES.map(({ what, of, expected }) => {
      const found = of(counted);
      const change = ((found / expected - 1) * 100).toFixed(1);
      return `${what.padEnd(28)} ${shown(found).padStart(10)}   written down: ${shown(expected).padStart(10)} (${change} %)`;
    });
    process.stdout.write(`A lifecycle costs (tests/guard/figures.ts):\n  ${lines.join('\n  ')}\n`);
  }, LIMIT_MS);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  test.each(FIGURES)('takes no more $what than is written down in figures.ts', (figure) => {
    const { of, expected, tolerance } = figure;
    expect(of(counted)).toBeLessThanOrEqual(expected * (1 + tolerance));
  });

  test('does leave its rows in history: the counted world works', () => {
    // Bill (once, folded), payment, event, order, reference, and a line a transition: what is not written is lost.
    expect(counted.rows / counted.lifecycles).toBeGreaterThan(8);
  });
});

function shown(value: number): string {
  return value < 100 ? value.toFixed(3) : value.toFixed(0);
}
