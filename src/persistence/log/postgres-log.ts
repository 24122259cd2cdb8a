// The log on Postgres: a table of entries and one of heads. An append is one statement that moves the shard's head
// from exactly the entry named; the row hangs on that. Appends of one shard go over one connection, so that they
// stay in order; shards are spread over a few, so that their commits share a sync to disk.

import { assert, must } from '../../domain/assert.ts';
import type { ShardId } from '../../domain/ids.ts';
import { type EntryId, formatEntryId, NO_ENTRY } from '../../switch/entry-id.ts';
import { type Log, type LogEntry, type LogName, LogRefusal } from '../../switch/ports.ts';
import type { Logger } from '../../telemetry/log.ts';
import { NotSent } from './not-sent.ts';
import { type Answer, isErrorReply, PostgresLane } from './postgres-lane.ts';
import { loadStatement } from './statement.ts';

export interface PostgresLogOptions {
  readonly url: string;
  /** Connections for appends, beside one for reading and trimming. */
  readonly connections: number;
  /** How long an append may stay unanswered before its outcome counts as unknown. */
  readonly timeoutMs: number;
  /** Names of findings that the operator has accepted (store-checks.ts). */
  readonly accepted: readonly string[];
  readonly logger: Logger;
}

const APPEND = loadStatement('append');
const IDENTIFY = loadStatement('identify');
const READ_NAME = loadStatement('read-name');
const READ_ENTRIES = loadStatement('read-entries');
const BOUNDS = loadStatement('bounds');
const TRIM = loadStatement('trim');

export class PostgresLog implements Log {
  readonly #appending: readonly PostgresLane[];
  readonly #reading: PostgresLane;

  private constructor(appending: readonly PostgresLane[], reading: PostgresLane) {
    this.#appending = appending;
    this.#reading = reading;
  }

  /** Rejects where Postgres is out of reach, or with UnsafeStore where it would lose acknowledged entries. */
  static async open(options: PostgresLogOptions): Promise<PostgresLog> {
    assert(options.connections > 0, 'a log needs a connection');
    const opening = Array.from({ length: options.connections + 1 }, () =>
      PostgresLane.open(options),
    );
    const opened = await Promise.allSettled(opening);
    const failed = opened.find((result) => result.status === 'rejected');
    const lanes = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    if (failed !== undefined) {
      await Promise.all(lanes.map((lane) => lane.close()));
      throw failed.reason;
    }
    return new PostgresLog(lanes.slice(1), must(lanes[0], 'a lane for reading'));
  }

  async identify(proposed: {
    id: string;
    shards: number;
  }): Promise<{ name: LogName; shards: number }> {
    await this.#reading.run(IDENTIFY, [proposed.id, proposed.shards]);
    const { rows } = await this.#reading.run(READ_NAME, []);
    const row = must(rows[0], 'the name of the log');
    return { name: { kind: 'postgres', id: row.id }, shards: row.shards };
  }

  async append(shard: ShardId, after: EntryId, id: EntryId, payload: Uint8Array): Promise<void> {
    assert(id > after, 'an entry does not follow the one it names');
    const lane = must(this.#appending[shard % this.#appending.length], 'a lane for appending');
    let answer: Answer;
    try {
      answer = await lane.run(APPEND, [shard, after, id, payload]);
    } catch (error) {
      throw asAppendFailure(error);
    }
    if (answer.count === 1) return;
    throw new LogRefusal('fenced', `the top of shard ${shard} is not ${formatEntryId(after)}`);
  }

  async read(shard: ShardId, above: EntryId, limit: number): Promise<LogEntry[]> {
    const { rows } = await this.#reading.run(READ_ENTRIES, [shard, above, limit]);
    return rows.map((row) => ({ id: asEntryId(row.entry), payload: row.payload }));
  }

  async bounds(shard: ShardId): Promise<{ first: EntryId; last: EntryId }> {
    const { rows } = await this.#reading.run(BOUNDS, [shard]);
    const row = rows[0];
    if (row === undefined) throw new Error(`the log has no shard ${shard}`);
    const [head, first, last] = [row.head, row.first ?? 0, row.last ?? 0].map(asEntryId);
    if (head === undefined || first === undefined || last !== head) {
      throw new Error(`the log of shard ${shard} is damaged: its head is ${head}, its top ${last}`);
    }
    return { first, last };
  }

  async trim(shard: ShardId, keep: EntryId): Promise<void> {
    await this.#reading.run(TRIM, [shard, keep]);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#appending, this.#reading].map((lane) => lane.close()));
  }
}

/** L2: an error reply, or nothing sent, proves that nothing was written. All else is unknown. */
function asAppendFailure(error: unknown): unknown {
  if (error instanceof NotSent) return new LogRefusal('unwilling', error.message, error);
  if (isErrorReply(error)) {
    return new LogRefusal('unwilling', `Postgres: ${error.message} (${error.code})`, error);
  }
  return new Error('whether the append was done is not known', { cause: error });
}

/** A bigint column arrives as text. */
function asEntryId(value: unknown): EntryId {
  const id = Number(value ?? NO_ENTRY);
  assert(Number.isSafeInteger(id) && id >= 0, `not an entry id: ${value}`);
  return id as EntryId;
}
