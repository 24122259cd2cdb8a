// The tables of a run, for a terminal and for the documents.

import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { isClean } from './audit.ts';
import { orderOfArm } from './audit-sales.ts';
import { honouredIn } from './audit-stays.ts';
import { faultsFor } from './faults.ts';
import { isDone } from './memory.ts';
import type { RunResult } from './run.ts';

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

const LINES_SHOWN = 5;

function countsOfFaults(result: RunResult): Map<string, number> {
  const kinds = result.options.kinds ?? faultsFor(result.options.stores);
  const counts = new Map(kinds.map((kind) => [kind, 0]));
  for (const { kinds: came } of result.happened) {
    for (const kind of came) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

/** Why a run counts as failed; null where it does not. */
export function failureOf(result: RunResult): string | null {
  if (!isClean(result.findings)) return 'promises were broken';
  if (result.linearisability.wrong.length > 0) return 'a history of a bill has no explanation';
  if (result.leaks.length > 0) return 'secrets were told';
  if (result.alarms.length > 0) return 'the switch raised alarms that no fault excuses';
  if (result.memory.calls.some(({ status }) => status === 500)) return 'the switch answered 500';
  const never = [...countsOfFaults(result)].filter(([, count]) => count === 0);
  if (never.length > 0) return `never happened: ${never.map(([kind]) => kind).join(', ')}`;
  return null;
}

export function tablesOf(result: RunResult): Table[] {
  return [summary(result), findings(result), faults(result), answers(result)];
}

export function asText({ title, head, rows }: Table): string {
  const lines = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  const texts = lines.map((line) =>
    line
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  '),
  );
  return `\n${title}\n${texts.join('\n')}`;
}

export function asMarkdown({ title, head, rows }: Table): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'));
  return [`**${title}**`, '', line(head), line(rule), ...rows.map(line), ''].join('\n');
}

/** What is wrong, in words: the first lines of each kind. */
export function wrongs({ findings: found, linearisability, alarms, leaks }: RunResult): string[] {
  const { wrong } = linearisability;
  return Object.entries({ ...found, 'not linearisable': wrong, alarms, leaks }).flatMap(
    ([kind, lines]: [string, readonly string[]]) => [
      ...lines.slice(0, LINES_SHOWN).map((text) => `${kind}: ${text}`),
      ...(lines.length > LINES_SHOWN ? [`${kind}: and ${lines.length - LINES_SHOWN} more`] : []),
    ],
  );
}

function summary(result: RunResult): Table {
  const { options, memory, rows, peaks, seconds } = result;
  const redis = options.stores === 'redis';
  return {
    title: `Chaos on ${redis ? 'Redis and Postgres' : 'Postgres alone'}, seed ${options.seed}`,
    head: ['what', 'value'],
    rows: [
      ['machine', machine()],
      ['seconds under faults', Math.round(seconds)],
      ['terminals, wallets', `${options.terminals}, ${options.wallets}`],
      ['calls', memory.calls.length],
      ['calls a second', Math.round(memory.calls.length / seconds)],
      ['bills', rows.bills.length],
      ['of them printed codes', rows.bills.filter(({ type }) => type === 'static').length],
      ['of them stays', rows.bills.filter(({ type }) => type === 'timer').length],
      ['sales of stickers', salesOf(result)],
      ['bills at banks; of them paid there', billsAtBanks(result)],
      ['given back at banks through the switch; by hand', givenBackAtBanks(result)],
      ['quotes paid; of them told before a restart', quotesOf(result)],
      ['transitions in history', rows.transitions.length],
      ['events raised', rows.events.length],
      ['events received, repeats included', memory.heard.length],
      ['of them posted; to clients that change their way', postedIn(memory)],
      ['endpoints; beside another of their holder', endpointsOf(memory)],
      ['secrets given to them; requests signed under several', secretsOf(memory)],
      ['events refused for good; dead letters sent again', refusedIn(memory)],
      ['answers dropped on a link', result.answersLost],
      ['references asked for again at the end', result.askedAgain],
      ['references given up for ever', result.abandoned],
      ['sales held back', result.heldBack],
      ['peak memory of the switch, MiB', peaks.switch],
      ...(redis ? [['peak memory of Redis, MiB', peaks.redis]] : []),
      ['peak memory of Postgres, MiB', peaks.postgres],
    ],
  };
}

/** Orders that a till was told to be armed. */
function salesOf({ memory }: RunResult): number {
  const arms = memory.calls.filter((call) => call.op === 'bill.arm' && isDone(call));
  return new Set(arms.map(orderOfArm)).size;
}

function billsAtBanks({ rows, memory }: RunResult): string {
  const paid = memory.banks.flatMap(({ entries }) => entries.filter((entry) => entry.paid > 0));
  return `${rows.bills.filter(({ acquirer }) => acquirer !== null).length}; ${paid.length}`;
}

function givenBackAtBanks({ memory }: RunResult): string {
  const refunds = memory.banks.flatMap(({ entries }) => entries.flatMap((entry) => entry.refunds));
  const done = refunds.filter(({ status }) => status === 'done');
  const byHand = done.filter(({ by }) => by === 'hand').length;
  return `${done.length - byHand}; ${byHand}`;
}

function postedIn({ heard }: RunResult['memory']): string {
  const posted = heard.filter(({ way }) => way === 'webhook');
  const others = new Set(heard.flatMap(({ client, way }) => (way === 'webhook' ? [] : [client])));
  return `${posted.length}; ${posted.filter(({ client }) => others.has(client)).length}`;
}

function endpointsOf({ endpoints }: RunResult['memory']): string {
  const open = endpoints.filter(({ closedAt }) => closedAt === null);
  const beside = open.filter((one) =>
    open.some((other) => other !== one && other.holder === one.holder),
  );
  return `${endpoints.length}; ${beside.length}`;
}

function secretsOf({ endpoints }: RunResult['memory']): string {
  const secrets = endpoints.flatMap((endpoint) => endpoint.secrets);
  const under = endpoints.flatMap(({ postings }) =>
    postings.filter(({ signedBy }) => signedBy.length > 1),
  );
  return `${secrets.length}; ${under.length}`;
}

function refusedIn({ endpoints }: RunResult['memory']): string {
  const refused = endpoints.flatMap(({ id, postings }) =>
    postings.flatMap(({ outcome, eventId }) => (outcome === 'refused' ? `${id} ${eventId}` : [])),
  );
  const resent = endpoints.flatMap((each) => each.resent);
  return `${new Set(refused).size}; ${resent.length}`;
}

function quotesOf({ memory, restarts }: RunResult): string {
  const paid = honouredIn(memory.calls);
  const across = paid.filter(({ toldAt, paidAt }) =>
    restarts.some((at) => at > toldAt && at < paidAt),
  );
  return `${paid.length}; ${across.length}`;
}

function findings({ findings: found, linearisability, alarms, ...rest }: RunResult): Table {
  const { histories, gaveUp, wrong } = linearisability;
  return {
    title: 'Broken promises',
    head: ['kind', 'count'],
    rows: [
      ...Object.entries(found).map(([kind, lines]: [string, readonly string[]]) => [
        kind,
        lines.length,
      ]),
      [`not linearisable, of ${histories} histories (${gaveUp} not decided)`, wrong.length],
      [`secrets told, of ${rest.secrets.length}`, rest.leaks.length],
      ['alarms', alarms.length],
    ],
  };
}

function faults(result: RunResult): Table {
  const rows = [...countsOfFaults(result)].map(([kind, count]) => {
    const alone = result.happened.filter(({ kinds }) => kinds.length === 1 && kinds[0] === kind);
    const worst = (of: 'gapMs' | 'recoveryMs'): string =>
      alone.length === 0 ? '' : String(Math.round(Math.max(...alone.map((each) => each[of]))));
    return [kind, count, worst('gapMs'), worst('recoveryMs')];
  });
  const pairs = result.happened.filter(({ kinds }) => kinds.length > 1);
  if (pairs.length > 0) {
    const gap = Math.round(Math.max(...pairs.map(({ gapMs }) => gapMs)));
    const recovery = Math.round(Math.max(...pairs.map(({ recoveryMs }) => recoveryMs)));
    rows.push(['two at once', pairs.length, String(gap), String(recovery)]);
  }
  return {
    title:
      'Faults; the longest time without an acknowledged change, in all and after the fault was over',
    head: ['fault', 'times', 'longest gap, ms', 'back after, ms'],
    rows,
  };
}

function answers({ memory }: RunResult): Table {
  const statuses = [...new Set(memory.calls.map(({ status }) => nameOf(status)))].sort();
  const ops = [...new Set(memory.calls.map(({ op }) => op))].sort();
  const counts = new Map<string, number>();
  for (const { op, status } of memory.calls) {
    const of = `${op} ${nameOf(status)}`;
    counts.set(of, (counts.get(of) ?? 0) + 1);
  }
  return {
    title: 'Answers',
    head: ['operation', ...statuses],
    rows: ops.map((op) => [op, ...statuses.map((status) => counts.get(`${op} ${status}`) ?? 0)]),
  };
}

function nameOf(status: number | null): string {
  return status === null ? 'none' : String(status);
}

function machine(): string {
  const [cpu] = cpus();
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} × ${cpu?.model ?? 'CPU'}, ${memory} GiB, Node ${process.versions.node}, qrswitch ${version}`;
}
