// What a simulation shows of itself: a line while it goes on, tables at its end.

import type { BooksReport, Report } from '../simulators/market/options.ts';
import type { Tally } from '../simulators/market/tally.ts';
import type { Output } from './io.ts';
import { table } from './table.ts';

const LIVE_MS = 500;
const LOGGED_MS = 5_000;
const SECOND_MS = 1_000;
const SHOWN_MAX = 40;

/** Who is counted by what, while it goes on. */
export interface Watched {
  readonly name: string;
  readonly tally: Tally;
  readonly shown: readonly string[];
}

/** On a terminal, one line that is written over; in a file, a line now and then. The function returned ends it. */
export function showProgress(
  stream: Output,
  watched: readonly Watched[],
  underWay: () => number,
): () => void {
  const began = performance.now();
  const isLive = stream.isTTY === true;
  const tell = (): void => {
    const seconds = Math.round((performance.now() - began) / SECOND_MS);
    const counts = watched.map(({ name, tally, shown }) => {
      const each = shown.map((what) => `${tally.count(what)} ${what}`);
      return `${name}: ${[...each, wrongIn(tally)].filter(Boolean).join(', ')}`;
    });
    const line = `${seconds} s | ${counts.join(' | ')} | ${underWay()} under way`;
    const width = stream.columns ?? Number.POSITIVE_INFINITY;
    stream.write(isLive ? `\r\u001b[K${line.slice(0, width - 1)}` : `${line}\n`);
  };
  const timer = setInterval(tell, isLive ? LIVE_MS : LOGGED_MS);
  return () => {
    clearInterval(timer);
    if (isLive) stream.write('\r\u001b[K');
  };
}

function wrongIn({ contradictions }: Tally): string {
  return contradictions.length === 0 ? '' : `${contradictions.length} WRONG`;
}

export function writeReport(stream: Output, report: Report): void {
  const { simulated, run, seed, seconds, done, faults, calls, lateMs, books } = report;
  const lines = [
    `${simulated}, run ${run}, seed ${seed}, ${seconds} s`,
    '',
    ...table([{ title: 'done' }, { title: '', align: 'right' }], rowsOf(done)),
    '',
    ...table([{ title: 'went wrong on purpose' }, { title: '', align: 'right' }], rowsOf(faults)),
    '',
    ...table(
      [
        { title: 'call' },
        { title: 'answers' },
        ...['p50 ms', 'p90', 'p99', 'max'].map((title) => ({ title, align: 'right' }) as const),
      ],
      calls.map(({ op, answers, ms }) => [
        op,
        Object.entries(answers)
          .map(([answer, count]) => `${answer}: ${count}`)
          .join(', '),
        ...[ms.p50, ms.p90, ms.p99, ms.max].map((value) => value.toFixed(1)),
      ]),
    ),
    '',
    `begun after they were due: p50 ${lateMs.p50} ms, p99 ${lateMs.p99} ms, at most ${lateMs.max} ms`,
    '',
  ];
  stream.write(`${lines.join('\n')}\n`);
  writeBooks(stream, simulated, books);
}

export function writeBooks(stream: Output, whose: string, books: BooksReport): void {
  const compared = Object.entries(books.compared)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ');
  const of = compared === '' ? '' : ` (${compared})`;
  if (books.agree) {
    stream.write(`The books of the ${whose} and of the switch agree${of}.\n`);
    return;
  }
  const { differences } = books;
  const shown = differences.slice(0, SHOWN_MAX).map((line) => `  ${line}\n`);
  const more = differences.length - shown.length;
  stream.write(
    `The books of the ${whose} and of the switch DIFFER${of}, ${differences.length} times:\n${shown.join('')}`,
  );
  if (more > 0) stream.write(`  and ${more} more; --json tells all\n`);
}

function rowsOf(counts: Readonly<Record<string, number>>): string[][] {
  return Object.entries(counts).map(([what, count]) => [what, String(count)]);
}
