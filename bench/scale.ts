// `scale`: throughput and memory as one thing grows: bills in memory, bills in Postgres, connected terminals, threads,
// payers of one bill or of one printed code.

import { lineChart } from './charts.ts';
import { describeRun } from './machine.ts';
import { isVerified } from './ratios.ts';
import { shown, spreadOf, table } from './report.ts';
import { type Plot, publishResults } from './results.ts';
import { cases } from './scale-cases.ts';
import { readSettings } from './settings.ts';
import type { Step } from './steps.ts';
import { say } from './under-test.ts';

const METHOD = [
  'Closed loop over the first protocol, at the highest concurrency given, so many rounds at each step; every lifecycle found in',
  'Postgres, whole and balanced, history at most 1 s behind, or the figure is refused. Memory: the resident set of the',
  'switch’s process (all threads) before the load of the step, 2 s after the growing has ended; `each` is what it grew by while a',
  'step added its things (told from 5,000 up), garbage not yet collected included, kernel buffers of sockets excluded. Steps follow one another on one',
  'switch, so that later ones also carry the history of the earlier; threads vary on fresh stores. Payers pay 1 each, again when',
  'that is answered: of one printed code, in turns with clients of pgbench who pay into one row of the same tables.',
  'In the directory, each step is a new start of the switch; the keys of lifecycles are spread evenly over all terminals, and',
  'look-ups are calls of every terminal in a drawn order over kept connections, refused for their empty bodies once the key is',
  'known: the first time the directory is read for it, the second time not. Changes count from their commit to the first refusal.',
].join('\n');

export async function scale(args: readonly string[]): Promise<void> {
  const settings = readSettings(args);
  const about = describeRun(settings);
  const found: Record<string, Step[]> = {};
  for (const name of settings.cases) {
    const one = cases[name];
    if (one === undefined) continue;
    say(`case ${name}: ${one.grows}`);
    found[name] = await one.run(settings, settings.steps[name] ?? one.steps);
  }
  const sections = Object.entries(found).flatMap(([name, steps]) => [
    `## ${cases[name]?.grows ?? name}`,
    stepsTable(cases[name]?.grows ?? name, steps),
  ]);
  const text = [
    `# Growth (${new Date().toISOString()})`,
    METHOD,
    table(['where', ''], Object.entries(about)),
    ...sections,
  ].join('\n\n');
  const plots = Object.entries(found).flatMap(([name, steps]) => plotOf(name, steps));
  publishResults('scale', { text, json: { settings, about, found }, plots });
}

export function stepsTable(grows: string, steps: readonly Step[]): string {
  const first = steps[0];
  const figures = Object.keys(first?.figures ?? {});
  const rows = steps.map((step) => {
    const { at, rounds, rssBytes, eachBytes, heapBytes } = step;
    const rates = spreadOf(rounds.map(({ perSecond }) => perSecond));
    const base = first === undefined ? rates : spreadOf(first.rounds.map((r) => r.perSecond));
    const isHeld = isVerified(rounds);
    return [
      String(at),
      isHeld ? shown(rates) : 'refused: history was late',
      rounds[0]?.unit ?? '',
      isHeld ? (rates.median / base.median).toFixed(2) : '',
      (rssBytes / 2 ** 20).toFixed(0),
      eachBytes === null ? '' : `${eachBytes.toFixed(0)} B`,
      (heapBytes / 2 ** 20).toFixed(0),
      ...figures.map((name) => String(step.figures?.[name] ?? '')),
    ];
  });
  const head = [grows, 'a second', 'of', 'to the first', 'RSS MiB', 'each', 'heaps MiB'];
  return table([...head, ...figures], rows);
}

function plotOf(name: string, steps: readonly Step[]): Plot[] {
  const points = steps.flatMap(({ at, rounds }): [number, number][] =>
    typeof at === 'number' && isVerified(rounds)
      ? [[at, spreadOf(rounds.map(({ perSecond }) => perSecond)).median]]
      : [],
  );
  if (points.length < 2) return [];
  const memory = steps.flatMap(({ at, rssBytes }): [number, number][] =>
    typeof at === 'number' ? [[at, rssBytes / 2 ** 20]] : [],
  );
  const grows = cases[name]?.grows ?? name;
  const unit = steps[0]?.rounds[0]?.unit ?? '';
  const x = { name: grows };
  return [
    {
      name,
      svg: lineChart(`Throughput by ${grows}`, x, { name: `${unit} a second` }, [
        { name: unit, points },
      ]),
    },
    {
      name: `${name}-memory`,
      svg: lineChart(`Memory by ${grows}`, x, { name: 'MiB' }, [
        { name: 'resident set', points: memory },
      ]),
    },
  ];
}
