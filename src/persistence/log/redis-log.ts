// The log on Redis: one stream a shard, `wal:{<shard>}`, whose entries carry our own ids. An append is one script
// that looks at the top and adds to it, so nobody can come in between. What Redis answers with `appendfsync always`
// has been synced to disk; store-checks.ts sees to that setting.

import { assert } from '../../domain/assert.ts';
import type { ShardId } from '../../domain/ids.ts';
import { type EntryId, formatEntryId, readEntryId } from '../../switch/entry-id.ts';
import { type Log, type LogEntry, type LogName, LogRefusal } from '../../switch/ports.ts';
import type { Logger } from '../../telemetry/log.ts';
import { checkRedis } from '../store-checks.ts';
import { NotSent } from './not-sent.ts';
import { isErrorReply, RedisConnection } from './redis-connection.ts';
import { loadScript } from './statement.ts';

export interface RedisLogOptions {
  readonly url: string;
  /** How long an append may stay unanswered before its outcome counts as unknown. */
  readonly timeoutMs: number;
  /** Names of findings that the operator has accepted (store-checks.ts). */
  readonly accepted: readonly string[];
  readonly logger: Logger;
}

const APPEND = loadScript('append');
const BOUNDS = loadScript('bounds');
const TRIM = loadScript('trim');
const NAME_KEY = 'qrswitch:log';

export class RedisLog implements Log {
  readonly #connection: RedisConnection;

  private constructor(connection: RedisConnection) {
    this.#connection = connection;
  }

  /** Rejects where Redis is out of reach, or with UnsafeStore where it would lose acknowledged entries. */
  static async open(options: RedisLogOptions): Promise<RedisLog> {
    const { url, timeoutMs, accepted, logger } = options;
    const check = (redis: Parameters<typeof checkRedis>[0]) => checkRedis(redis, accepted);
    return new RedisLog(await RedisConnection.open({ url, timeoutMs, logger, check }));
  }

  async identify(proposed: {
    id: string;
    shards: number;
  }): Promise<{ name: LogName; shards: number }> {
    // Asked first: a full Redis takes no SET, and its owner has to start all the same, to trim it (A7).
    let name = await this.#connection.send('GET', NAME_KEY);
    if (name === null) {
      const value = JSON.stringify({ id: proposed.id, shards: proposed.shards });
      await this.#connection.send('SET', NAME_KEY, value, 'NX');
      name = await this.#connection.send('GET', NAME_KEY);
    }
    const { id, shards } = readName(name);
    return { name: { kind: 'redis', id }, shards };
  }

  async append(shard: ShardId, after: EntryId, id: EntryId, payload: Uint8Array): Promise<void> {
    assert(id > after, 'an entry does not follow the one it names');
    const trouble = this.#connection.trouble;
    if (trouble !== null) throw new LogRefusal('unwilling', trouble);
    let reply: unknown;
    try {
      const args = [formatEntryId(after), formatEntryId(id), payload];
      reply = await this.#connection.evaluate(APPEND, [streamOf(shard)], args);
    } catch (error) {
      throw asAppendFailure(error);
    }
    const [taken, top] = asArray(reply);
    if (taken === 1) return;
    assert(taken === 0, 'append.lua answered something else');
    throw new LogRefusal(
      'fenced',
      `the top of shard ${shard} is ${asText(top)}, not ${formatEntryId(after)}`,
    );
  }

  async read(shard: ShardId, above: EntryId, limit: number): Promise<LogEntry[]> {
    const from = `(${formatEntryId(above)}`;
    const reply = await this.#connection.send('XRANGE', streamOf(shard), from, '+', 'COUNT', limit);
    return asArray(reply).map(readEntry);
  }

  async bounds(shard: ShardId): Promise<{ first: EntryId; last: EntryId }> {
    const [first, last] = asArray(await this.#connection.evaluate(BOUNDS, [streamOf(shard)], []));
    return { first: readEntryId(asText(first)), last: readEntryId(asText(last)) };
  }

  async trim(shard: ShardId, keep: EntryId): Promise<void> {
    await this.#connection.evaluate(TRIM, [streamOf(shard)], [formatEntryId(keep)]);
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }
}

/** The shard's stream. The braces put it on the same node of a cluster as the shard's lease. */
function streamOf(shard: ShardId): string {
  return `wal:{${shard}}`;
}

/** L2: an error reply, or nothing sent, proves that nothing was written. All else is unknown. */
function asAppendFailure(error: unknown): unknown {
  if (error instanceof NotSent) return new LogRefusal('unwilling', error.message, error);
  if (isErrorReply(error)) return new LogRefusal('unwilling', `Redis: ${error.message}`, error);
  return new Error('whether the append was done is not known', { cause: error });
}

function readEntry(reply: unknown): LogEntry {
  const [id, fields] = asArray(reply);
  const payload = asArray(fields)[1];
  assert(Buffer.isBuffer(payload), 'an entry without payload');
  return { id: readEntryId(asText(id)), payload };
}

function readName(reply: unknown): { id: string; shards: number } {
  const text = asText(reply);
  let name: unknown;
  try {
    name = JSON.parse(text);
  } catch (error) {
    throw new Error(`the key ${NAME_KEY} is not ours: ${text.slice(0, 100)}`, { cause: error });
  }
  if (
    typeof name !== 'object' ||
    name === null ||
    !('id' in name && typeof name.id === 'string') ||
    !('shards' in name && typeof name.shards === 'number')
  ) {
    throw new Error(`the key ${NAME_KEY} is not ours: ${text.slice(0, 100)}`);
  }
  return { id: name.id, shards: name.shards };
}

function asArray(reply: unknown): unknown[] {
  assert(Array.isArray(reply), 'Redis answered something other than a list');
  return reply;
}

function asText(reply: unknown): string {
  assert(Buffer.isBuffer(reply), 'Redis answered something other than a string');
  return reply.toString();
}
