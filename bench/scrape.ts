// What the switch says of itself at /metrics: sums over labels, and differences between two readings.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

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

/** Bytes of a Redis's append-only files. */
export function logBytes(dir: string): number {
  const folder = join(dir, 'appendonlydir');
  return readdirSync(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
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
