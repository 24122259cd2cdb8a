// What the switch says of itself at /metrics: sums over labels, and differences between two readings.

import { Redis } from 'ioredis';

export type Scrape = ReadonlyMap<string, number>;

/** Each sample by its whole name, labels included, and each name's sum over its labels. */
export function parseMetrics(text: string): Scrape {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)/.exec(line);
    if (match === null) continue;
    const [, name = '', labels = '', value = ''] = match;
    if (labels !== '') values.set(`${name}${labels}`, Number(value));
    values.set(name, (values.get(name) ?? 0) + Number(value));
  }
  return values;
}

export async function scrape(port: number): Promise<Scrape> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  return parseMetrics(await answer.text());
}

/**
 * Bytes of all commands that a Redis has received. Not the size of its append-only files: those shrink when Redis writes
 * them anew.
 */
export async function logBytes(url: string): Promise<number> {
  const client = new Redis(url);
  try {
    const stats = await client.info('stats');
    return Number(/^total_net_input_bytes:(\d+)/m.exec(stats)?.[1]);
  } finally {
    client.disconnect();
  }
}

/** What a run cost beside time: counts that noise cannot touch. */
export interface Counts {
  readonly appends: number;
  readonly transitions: number;
  readonly statements: number;
  readonly rows: number;
  readonly logBytes: number;
}

export function countsOf(of: Scrape, bytes: number): Counts {
  const value = (name: string): number => of.get(`qrswitch_${name}`) ?? 0;
  return {
    appends: value('batches_appended_seconds_count'),
    transitions: value('transitions_committed_total'),
    statements: value('history_written_seconds_count'),
    rows: value('history_written_rows_sum'),
    logBytes: bytes,
  };
}

export function countsBetween(before: Counts, after: Counts): Counts {
  return {
    appends: after.appends - before.appends,
    transitions: after.transitions - before.transitions,
    statements: after.statements - before.statements,
    rows: after.rows - before.rows,
    logBytes: after.logBytes - before.logBytes,
  };
}

/** How late the event loops of the switch ran since the scrape before, by thread: the worst, in ms. */
export function loopDelays(of: Scrape): Record<string, number> {
  const delays: Record<string, number> = {};
  for (const [name, value] of of) {
    const thread = /^qrswitch_loops_delayed_seconds\{(?=.*quantile="1").*thread="([^"]+)"/.exec(
      name,
    )?.[1];
    if (thread !== undefined) delays[thread] = value * 1000;
  }
  return delays;
}
