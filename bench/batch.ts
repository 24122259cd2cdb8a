// `batch`: bills by the thousand through the batch call, in turns with the same number created one by one.

import { checkFilled } from './books.ts';
import { CALL_LINES } from './load/batches.ts';
import type { LoadTask } from './load/messages.ts';
import { runLoad } from './load-process.ts';
import { describeRun } from './machine.ts';
import { ratioOf, shown, spreadOf, table } from './report.ts';
import { publishResults } from './results.ts';
import { readSettings, type Settings } from './settings.ts';
import type { Stores } from './stores.ts';
import type { SwitchProcess } from './switch-process.ts';
import { say, withSwitch } from './under-test.ts';

const BILLS = 100_000;
const BILLS_QUICK = 20_000;
/** Creates in flight, of those that come one by one. */
const ONE_BY_ONE = 256;

const METHOD = [
  `Bills a second, all open at the end: \`batch\` in calls of ${CALL_LINES} lines over HTTP, one after another on one terminal’s key;`,
  `\`one by one\` over a WebSocket with msgpack, ${ONE_BY_ONE} in flight over many terminals. A process of its own on the same cores writes`,
  'and looks at every answer. Redis `appendfsync always`; Postgres with fsync. After each run every bill was found in Postgres;',
  '`behind` is how long after the last answer that was (looked at every 200 ms).',
].join('\n');

interface Measured {
  readonly perSecond: number;
  readonly behindMs: number;
  /** µs of the processor a bill, the load’s own included. */
  readonly cpuUs: number;
}

export async function batch(args: readonly string[]): Promise<void> {
  const settings = readSettings(args);
  const [bills = BILLS] = settings.steps.bills ?? [settings.isQuick ? BILLS_QUICK : BILLS];
  const about = describeRun(settings);
  await withSwitch(settings, [], async (stores, under) => {
    const batched: Measured[] = [];
    const single: Measured[] = [];
    for (let round = 1; round <= settings.rounds; round++) {
      batched.push(await measure(stores, under, { kind: 'batch', count: bills }));
      single.push(await measure(stores, under, { kind: 'fill', count: bills }));
      say(
        `round ${round}: ${batched.at(-1)?.perSecond.toFixed(0)} bills/s, one by one ${single.at(-1)?.perSecond.toFixed(0)}`,
      );
    }
    const found = { batched, single };
    publishResults('batch', {
      text: report(settings, { ...about, ...stores.described }, bills, found),
      json: { settings, about, bills, found },
      plots: [],
    });
  });
}

let runs = 0;

async function measure(
  stores: Stores,
  under: SwitchProcess,
  what: Pick<LoadTask, 'kind'> & { readonly count: number },
): Promise<Measured> {
  runs += 1;
  const run = `b${Date.now().toString(36)}${runs}`;
  const { outcome, used } = await runLoad(
    {
      ...what,
      protocol: 'ws-msgpack',
      port: under.port,
      terminals: under.terminals,
      wallet: under.wallet,
      walletConnections: 1,
      concurrency: ONE_BY_ONE,
      warmUpMs: 0,
      measureMs: 0,
      run,
    },
    under.use,
  );
  await checkFilled(stores.switchUrl, run, what.count);
  const cpuNs = [...used.values()].reduce((sum, ns) => sum + ns, 0);
  return {
    perSecond: what.count / (outcome.windowMs / 1000),
    behindMs: Date.now() - outcome.endedAt,
    cpuUs: cpuNs / 1000 / what.count,
  };
}

function report(
  settings: Settings,
  about: Readonly<Record<string, string>>,
  bills: number,
  { batched, single }: Readonly<Record<'batched' | 'single', readonly Measured[]>>,
): string {
  const rates = (all: readonly Measured[]): number[] => all.map(({ perSecond }) => perSecond);
  const row = (name: string, all: readonly Measured[]): string[] => [
    name,
    shown(spreadOf(rates(all))),
    shown(spreadOf(all.map(({ behindMs }) => behindMs))),
  ];
  const cpu = spreadOf(batched.map(({ cpuUs }) => cpuUs));
  return [
    `# ${bills} bills by batch (${new Date().toISOString()})`,
    METHOD,
    table(['where', ''], Object.entries(about)),
    `## ${settings.rounds} alternating rounds of ${bills} bills each: median (min-max)`,
    table(
      ['what', 'bills a second', 'behind, ms'],
      [row('batch', batched), row('one by one', single)],
    ),
    `Batch to one by one within a round: ${shown(ratioOf(rates(batched), rates(single)), 2)}. Processor time of a bill in a batch, switch and load: ${shown(cpu)} µs.`,
  ].join('\n\n');
}
