// `slow-disk`: the lifecycle on stores whose syncs take longer, beside the same on the disk as it is: two switches, each
// on stores of its own, in alternating rounds.

import { roundsTable } from './lifecycle-report.ts';
import { describeRun } from './machine.ts';
import { type Bench, type Measured, measureSwitch, sayMeasured } from './measure.ts';
import { isVerified } from './ratios.ts';
import { ratioOf, shown, table } from './report.ts';
import { publishResults } from './results.ts';
import { readSettings, type Settings } from './settings.ts';
import { say, withSwitch } from './under-test.ts';

const DELAY_MS = 2;

const METHOD = [
  'Closed loop at the highest concurrency given. Two switches, each on a Redis and a Postgres of its own, take turns; the order',
  'is turned round each time. Every fsync and fdatasync of one of the two pairs of stores returns later by the delay, held in',
  'the calling thread alone (slow-sync.c). Every lifecycle found in Postgres, whole and balanced.',
].join('\n');

export async function slowDisk(args: readonly string[]): Promise<void> {
  const given = readSettings(args);
  const delayMs = given.fsyncDelayMs || DELAY_MS;
  const plain = { ...given, fsyncDelayMs: 0 };
  const slow = { ...given, fsyncDelayMs: delayMs };
  const about = describeRun(plain);
  const rounds = new Map<string, Measured[]>();
  await withSwitch(plain, [], (plainStores, plainSwitch) =>
    withSwitch(slow, [], async (slowStores, slowSwitch) => {
      const both = [
        { name: '', bench: { settings: plain, stores: plainStores, under: plainSwitch } },
        {
          name: ` +${delayMs} ms`,
          bench: { settings: slow, stores: slowStores, under: slowSwitch },
        },
      ];
      await takeTurns(given, both, rounds);
    }),
  );
  const ratios = given.protocols.map((protocol) => {
    const [without, slowed] = [
      rounds.get(protocol) ?? [],
      rounds.get(`${protocol} +${delayMs} ms`) ?? [],
    ];
    const isHeld = isVerified(without) && isVerified(slowed);
    const rates = (all: readonly Measured[]): number[] => all.map(({ perSecond }) => perSecond);
    return [protocol, isHeld ? shown(ratioOf(rates(slowed), rates(without)), 2) : 'refused'];
  });
  const text = [
    `# With ${delayMs} ms added to every sync, and without (${new Date().toISOString()})`,
    METHOD,
    table(['where', ''], Object.entries(about)),
    roundsTable(rounds),
    '## Ratio with to without, in the same round: median (min-max)',
    table(['protocol', 'ratio'], ratios),
  ].join('\n\n');
  const json = { settings: slow, about, rounds: Object.fromEntries(rounds) };
  publishResults('slow-disk', { text, json, plots: [] });
}

interface Contestant {
  readonly name: string;
  readonly bench: Bench;
}

async function takeTurns(
  { rounds, protocols, concurrency }: Settings,
  both: readonly Contestant[],
  into: Map<string, Measured[]>,
): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    const order = round % 2 === 1 ? both : [...both].reverse();
    for (const { name, bench } of order) {
      for (const protocol of protocols) {
        await bench.stores.settle();
        const measured = await measureSwitch(bench, protocol, Math.max(...concurrency));
        say(`round ${round} of ${rounds}, ${protocol}${name}: ${sayMeasured(measured)}`);
        const named = { ...measured, contestant: `${measured.contestant}${name}` };
        into.set(`${protocol}${name}`, [...(into.get(`${protocol}${name}`) ?? []), named]);
      }
    }
  }
}
