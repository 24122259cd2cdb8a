// `npm run power-cuts -- --cuts 200 --policy always --seed 1`: prints what became of every acknowledged answer.

import { parseArgs } from 'node:util';
import type { Policy } from './power.ts';
import { runPowerCuts, type Tally } from './run.ts';

const POLICIES: readonly Policy[] = ['always', 'everysec', 'no'];
const SHOWN = 5;

/** Resolves with the exit code. */
export async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      cuts: { type: 'string', default: '200' },
      minutes: { type: 'string', default: '60' },
      log: { type: 'string', default: 'redis' },
      policy: { type: 'string', default: 'always' },
      seed: { type: 'string', default: '1' },
      answers: { type: 'string', default: '6000' },
      foul: { type: 'boolean', default: false },
      slots: { type: 'string', default: '200' },
    },
  });
  const policy = POLICIES.find((each) => each === values.policy);
  if (policy === undefined) throw new Error(`--policy is one of ${POLICIES.join(', ')}`);
  const { log } = values;
  if (log !== 'redis' && log !== 'postgres') throw new Error('--log is redis or postgres');
  const began = Date.now();
  const tally = await runPowerCuts({
    log,
    policy,
    foul: values.foul,
    cuts: Number(values.cuts),
    withinMs: Number(values.minutes) * 60_000,
    seed: Number(values.seed),
    answers: Number(values.answers),
    slots: Number(values.slots),
    onCut: (done, { lost, refused }) => {
      if (process.stdout.isTTY === true) {
        process.stdout.write(`\r${done} cuts, ${lost.length} lost, ${refused.length} refused `);
      }
    },
  });
  const seconds = Math.round((Date.now() - began) / 1000);
  console.log(`\n${log}, synced ${policy}, seed ${values.seed}, ${seconds} s\n${table(tally)}`);
  for (const what of ['lost', 'doubled', 'refused', 'faults'] as const) {
    for (const line of tally[what].slice(0, SHOWN)) console.log(`${what}: ${line}`);
  }
  const isKept = tally.lost.length + tally.doubled.length + tally.refused.length === 0;
  const isRight = tally.doubled.length + tally.faults.length === 0;
  // A policy that forgets must be seen to forget, or the test is blind.
  return isRight && isKept === (policy === 'always') ? 0 : 1;
}

function table(tally: Tally): string {
  const rows: readonly (readonly [string, number])[] = [
    ['power cuts', tally.cuts],
    ['with unsynced bytes', tally.cutsWithTail],
    ['acknowledged', tally.acknowledged],
    ['unknown, asked again', tally.unknown],
    ['unsynced bytes', tally.unsynced],
    ['torn off', tally.torn],
    ['rewrites of the log', tally.rewrites],
    ['repairs of the log', tally.repairs],
    ['lost', tally.lost.length],
    ['doubled', tally.doubled.length],
    ['refused to go on', tally.refused.length],
    ['faults in the books', tally.faults.length],
    ['slowest recovery, ms', Math.round(tally.slowestRecoveryMs)],
  ];
  return rows.map(([what, count]) => `${String(count).padStart(12)}  ${what}`).join('\n');
}
