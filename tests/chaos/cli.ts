// `npm run chaos`: real processes, really killed, and an audit of everything that anybody was told.

import { rmSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isClean } from './audit.ts';
import { faultsFor } from './faults.ts';
import { asMarkdown, asText, failureOf, tablesOf, wrongs } from './report.ts';
import { type RunOptions, type RunResult, run } from './run.ts';
import type { StoresName } from './stage.ts';

const HELP = `npm run chaos -- [options]
  --minutes <n>      how long faults come (default 2; every kind comes at least once)
  --seed <n>         what everything is drawn from (default: the time)
  --stores <name>    redis (with Postgres, the default) or postgres (alone)
  --terminals <n>    (default 200)
  --wallets <n>      (default 50)
  --rate <n>         calls a second (default 200)
  --faults <a,b>     only faults whose names contain one of these, or none
  --out <file.md>    the tables as markdown
  --keep             keep the folder of a run that was clean
  --blind-proof      let Redis appear to take appends that it never sees: the audit must find them`;

const LINE_MS = 10_000;

export async function main(args: readonly string[]): Promise<number> {
  const options = read(args);
  if (options === null) return 2;
  // The stores' last resorts hang on the event of exiting.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => process.exit(130));
  const result = await run({ ...options.run, progress: progress() });
  const tables = tablesOf(result);
  console.log(tables.map(asText).join('\n'));
  if (options.out !== undefined) writeFileSync(options.out, tables.map(asMarkdown).join('\n'));
  return options.run.forges === true ? proven(result) : judged(result, options);
}

interface Asked {
  readonly run: RunOptions;
  readonly out: string | undefined;
  readonly keeps: boolean;
}

function judged(result: RunResult, { keeps }: Asked): number {
  const failure = failureOf(result);
  if (failure === null) {
    console.log('\nall promises kept');
    if (keeps) console.log(`kept in ${result.folder}`);
    else rmSync(result.folder, { recursive: true, force: true });
    return 0;
  }
  console.log(`\nFAILED: ${failure}\n${wrongs(result).join('\n')}`);
  console.log(`seed ${result.options.seed}; logs and histories are in ${result.folder}`);
  return 1;
}

/** The lie must have been seen. */
function proven(result: RunResult): number {
  console.log(`\n${wrongs(result).join('\n')}`);
  rmSync(result.folder, { recursive: true, force: true });
  const isSeen = !isClean(result.findings) && result.findings.lost.length > 0;
  console.log(isSeen ? '\nthe audit has seen the lie' : '\nBLIND: the audit has seen nothing');
  return isSeen ? 0 : 1;
}

function read(args: readonly string[]): Asked | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '2' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      stores: { type: 'string', default: 'redis' },
      terminals: { type: 'string', default: '200' },
      wallets: { type: 'string', default: '50' },
      rate: { type: 'string', default: '200' },
      faults: { type: 'string' },
      out: { type: 'string' },
      keep: { type: 'boolean', default: false },
      'blind-proof': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { stores } = values;
  if (values.help || (stores !== 'redis' && stores !== 'postgres')) {
    console.log(HELP);
    return null;
  }
  const forges = values['blind-proof'];
  return {
    run: {
      stores,
      seed: Number(values.seed),
      seconds: Number(values.minutes) * 60,
      terminals: Number(values.terminals),
      wallets: Number(values.wallets),
      rate: Number(values.rate),
      forges,
      ...(forges ? { kinds: [] } : chosen(stores, values.faults)),
    },
    out: values.out,
    keeps: values.keep,
  };
}

function chosen(stores: StoresName, text: string | undefined): { kinds?: string[] } {
  if (text === undefined) return {};
  const words = text.split(',');
  return { kinds: faultsFor(stores).filter((kind) => words.some((word) => kind.includes(word))) };
}

/** One line that changes on a terminal; elsewhere a line now and then. */
function progress(): (line: string) => void {
  if (process.stdout.isTTY === true) {
    return (line) =>
      process.stdout.write(`\r\u001b[2K${line.slice(0, process.stdout.columns - 1)}`);
  }
  let last = Number.NEGATIVE_INFINITY;
  return (line) => {
    if (performance.now() - last < LINE_MS) return;
    last = performance.now();
    console.log(line);
  };
}
