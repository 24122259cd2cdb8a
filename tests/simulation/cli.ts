// `npm run sim`: seeds by number, by time, or one of them with its story.

import { parseArgs } from 'node:util';
import { BUG_NAMES, type BugName } from './bugs.ts';
import { FAULT_KINDS, type FaultKind } from './dice.ts';
import { commandOf, runWith, SOMETIMES, shrink } from './runner.ts';
import type { RunOptions } from './settings.ts';

const SEEDS = 2_000;
const BAR = 30;

const HELP = `npm run sim -- [options]
  --seeds <n>        how many seeds (default ${SEEDS})
  --from <n>         the first of them (default 1)
  --minutes <n>      as many seeds as that time allows
  --seed <n>         one seed, with its story
  --operations <n>   at most so many operations of all clients together
  --faults <a,b>     only these kinds of faults, or none
  --bug <name>       with a planted fault: ${BUG_NAMES.join(', ')}
Kinds of faults: ${FAULT_KINDS.join(', ')}`;

interface Request {
  readonly bug: BugName | null;
  readonly narrow: Omit<RunOptions, 'seed'>;
}

export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string' },
      from: { type: 'string' },
      minutes: { type: 'string' },
      seed: { type: 'string' },
      operations: { type: 'string' },
      faults: { type: 'string' },
      bug: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  const bug = BUG_NAMES.find((name) => name === values.bug) ?? null;
  const kinds = values.faults?.split(',').filter((kind) => kind !== 'none');
  const stranger = kinds?.find((kind) => !FAULT_KINDS.some((known) => known === kind));
  if (
    values.help === true ||
    (values.bug !== undefined && bug === null) ||
    stranger !== undefined
  ) {
    console.log(HELP);
    return values.help === true ? 0 : 2;
  }
  const narrow = {
    ...(kinds === undefined ? {} : { faults: kinds as FaultKind[] }),
    ...(values.operations === undefined ? {} : { operations: Number(values.operations) }),
  };
  if (values.seed !== undefined) return await tell({ bug, narrow }, Number(values.seed));
  const minutes = values.minutes === undefined ? null : Number(values.minutes);
  const seeds = minutes === null ? Number(values.seeds ?? SEEDS) : Number.POSITIVE_INFINITY;
  return await search({ bug, narrow }, { from: Number(values.from ?? 1), seeds, minutes });
}

/** One seed, line by line. */
async function tell({ bug, narrow }: Request, seed: number): Promise<number> {
  const { violation, simulatedMs } = await runWith(
    { seed, ...narrow, trace: (line) => console.log(line) },
    bug,
  );
  console.log(violation === null ? `all promises kept, ${simulatedMs} ms` : `BROKEN: ${violation}`);
  return violation === null ? 0 : 1;
}

async function search(
  { bug, narrow }: Request,
  { from, seeds, minutes }: { from: number; seeds: number; minutes: number | null },
): Promise<number> {
  const counts = new Map<string, number>();
  const began = Date.now();
  const part = (done: number): number =>
    minutes === null ? done / seeds : (Date.now() - began) / (minutes * 60_000);
  let simulatedMs = 0;
  let done = 0;
  for (; done < seeds && part(done) < 1; done++) {
    const result = await runWith({ seed: from + done, ...narrow }, bug);
    simulatedMs += result.simulatedMs;
    for (const [what, count] of result.counts) counts.set(what, (counts.get(what) ?? 0) + count);
    if (result.violation !== null) {
      console.log(`\nseed ${result.seed}: ${result.violation}\nshrinking …`);
      const small = await shrink(result, bug);
      console.log(`${small.violation}\nreplay: ${commandOf(small.options, bug)}`);
      return 1;
    }
    if (done % 20 === 0) showProgress(part(done), done);
  }
  showProgress(1, done);
  const days = Math.round(simulatedMs / 86_400_000);
  const seconds = Math.round((Date.now() - began) / 1_000);
  console.log(`\n${done} seeds, ${days} simulated days in ${seconds} s: all promises kept`);
  return report(counts);
}

/** What the seeds have covered; what never happened is a failure of the simulation. */
function report(counts: ReadonlyMap<string, number>): number {
  for (const what of [...SOMETIMES, 'tombstone renewed', 'history given up'])
    console.log(`${String(counts.get(what) ?? 0).padStart(9)}  ${what}`);
  const never = SOMETIMES.filter((what) => (counts.get(what) ?? 0) === 0);
  if (never.length > 0) console.log(`never happened: ${never.join(', ')}`);
  return 0;
}

function showProgress(part: number, done: number): void {
  if (process.stdout.isTTY !== true) return;
  const full = Math.min(BAR, Math.floor(part * BAR));
  const bar = '█'.repeat(full) + '░'.repeat(BAR - full);
  process.stdout.write(`\r${bar} ${Math.floor(part * 100)} %  ${done} seeds`);
}
