// One connection to Redis for those who must know what became of what they sent.
//
//   R1. Nothing is sent twice: neither after a reconnect nor because an answer is late.
//   R2. Every promise settles: with the answer, with NotSent, or (unknown) when the connection is lost or silent.
//   R3. After every connect the store is looked at before it is vouched for (`trouble` is null).

import { Redis, ReplyError } from 'ioredis';
import type { Logger } from '../../telemetry/log.ts';
import { NotSent } from './not-sent.ts';
import type { Script } from './statement.ts';

export type ScriptArgument = string | number | Uint8Array;

export interface RedisConnectionOptions {
  readonly url: string;
  /** How long an answer may take; then its outcome is unknown, and a silent connection is replaced. */
  readonly timeoutMs: number;
  readonly logger: Logger;
  /** Looks at the store; rejects where it is not fit for use. */
  readonly check: (redis: Redis) => Promise<void>;
}

const RECONNECT_MS_MAX = 1_000;
const RECHECK_MS = 1_000;
/** What ioredis says where a connect has failed: why so came before, as an event. */
const CLOSED = 'Connection is closed.';
/** What it says where it has not written a command: it has no code for it. */
const NOT_WRITABLE = "Stream isn't writeable";

export class RedisConnection {
  readonly #redis: Redis;
  readonly #options: RedisConnectionOptions;
  /** Counts connects and losses: what an older check found is of no interest. */
  #turn = 0;
  #trouble: string | null = 'Redis is not connected yet';
  #recheck: NodeJS.Timeout | undefined;

  private constructor(options: RedisConnectionOptions) {
    this.#options = options;
    this.#redis = new Redis(options.url, {
      lazyConnect: true,
      // The three of R1; without the other two, the first leaves promises that never settle.
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      commandTimeout: options.timeoutMs,
      // A connection that says nothing while answers are due is broken, whatever TCP thinks.
      socketTimeout: options.timeoutMs,
      connectTimeout: options.timeoutMs,
      retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 10), RECONNECT_MS_MAX),
      protocol: 2,
    });
  }

  /** Resolves once Redis is connected and vouched for; rejects (and gives up) where it is not. */
  static async open(options: RedisConnectionOptions): Promise<RedisConnection> {
    const connection = new RedisConnection(options);
    const redis = connection.#redis;
    let trouble: Error | null = null;
    redis.on('error', (error: Error) => {
      trouble = error;
      options.logger.warn({ err: error }, 'redis connection failed');
    });
    try {
      await redis.connect();
      await options.check(redis);
    } catch (error) {
      redis.disconnect();
      if (error instanceof Error && error.message === CLOSED) error.cause ??= trouble;
      throw error;
    }
    redis.on('ready', () => void connection.#vouch());
    redis.on('close', () => connection.#distrust('Redis is not connected'));
    // It may have gone between the check and the listeners.
    connection.#trouble = redis.status === 'ready' ? null : 'Redis is not connected';
    return connection;
  }

  /** Why the store must not be written to now; null where it may. */
  get trouble(): string | null {
    return this.#redis.status === 'ready' ? this.#trouble : 'Redis is not connected';
  }

  /** Runs a script. An error reply is a `ReplyError` (see `isErrorReply`); see R2 for the rest. */
  async evaluate(
    script: Script,
    keys: readonly string[],
    args: readonly ScriptArgument[],
  ): Promise<unknown> {
    const rest = [keys.length, ...keys, ...args.map(asArgument)];
    const { trouble } = this;
    try {
      return await this.send('EVALSHA', script.sha, ...rest);
    } catch (error) {
      // Redis has not seen the script since it started, and so has not run it: this is no second time.
      if (!isNoScript(error)) throw error;
      this.#assertNoTroubleSince(trouble);
      return await this.send('EVAL', script.text, ...rest);
    }
  }

  /** Runs a script once for each of many keys, sent together. Any failure fails the whole: ask what stands. */
  async evaluateEach(
    script: Script,
    calls: readonly { readonly key: string; readonly args: readonly ScriptArgument[] }[],
  ): Promise<unknown[]> {
    this.#assertConnected();
    const { trouble } = this;
    const pipeline = this.#redis.pipeline();
    for (const { key, args } of calls) {
      pipeline.callBuffer('EVALSHA', script.sha, 1, key, ...args.map(asArgument));
    }
    const replies = (await pipeline.exec()) ?? [];
    return await Promise.all(
      calls.map(async ({ key, args }, index) => {
        const [error, value] = replies[index] ?? [new Error('Redis left an answer out')];
        if (error === null) return value;
        if (!isNoScript(error)) throw error;
        this.#assertNoTroubleSince(trouble);
        return await this.send('EVAL', script.text, 1, key, ...args.map(asArgument));
      }),
    );
  }

  /** Runs commands of one name, sent together. */
  async sendEach(command: string, calls: readonly (readonly string[])[]): Promise<unknown[]> {
    this.#assertConnected();
    const pipeline = this.#redis.pipeline();
    for (const args of calls) pipeline.callBuffer(command, ...args);
    const replies = (await pipeline.exec()) ?? [];
    return calls.map((_, index) => {
      const [error, value] = replies[index] ?? [new Error('Redis left an answer out')];
      if (error !== null) throw error;
      return value;
    });
  }

  /** Runs one command; its reply has Buffers where Redis has strings. */
  async send(command: string, ...args: (string | number | Buffer)[]): Promise<unknown> {
    this.#assertConnected();
    this.#gather();
    try {
      return await this.#redis.callBuffer(command, ...args);
    } catch (error) {
      if (error instanceof Error && error.message.startsWith(NOT_WRITABLE)) {
        throw new NotSent('Redis is not connected', { cause: error });
      }
      throw error;
    }
  }

  /** What is sent in one go, such as the appends of a worker's shards, leaves in one system call. */
  #gather(): void {
    const { stream } = this.#redis;
    if (stream.writableCorked > 0) return;
    stream.cork();
    queueMicrotask(() => stream.uncork());
  }

  async close(): Promise<void> {
    this.#distrust('the connection to Redis has been closed');
    if (this.#redis.status === 'ready') {
      // QUIT waits for what is under way; where it is not answered, the connection is cut.
      await this.#redis.quit().catch(() => undefined);
    }
    this.#redis.disconnect();
  }

  #assertConnected(): void {
    if (this.#redis.status !== 'ready') throw new NotSent('Redis is not connected');
  }

  /** What is sent a second time must not meet a Redis that nobody vouches for, where the first did not. */
  #assertNoTroubleSince(before: string | null): void {
    if (before === null && this.trouble !== null) throw new NotSent(this.trouble);
  }

  #distrust(why: string): void {
    this.#turn++;
    this.#trouble = why;
    clearTimeout(this.#recheck);
  }

  async #vouch(): Promise<void> {
    this.#distrust('Redis has reconnected and is being looked at');
    const turn = this.#turn;
    try {
      await this.#options.check(this.#redis);
      if (turn === this.#turn) this.#trouble = null;
    } catch (error) {
      if (turn !== this.#turn) return;
      const why = error instanceof Error ? error.message : String(error);
      this.#options.logger.error({ err: error }, 'redis has reconnected and cannot be used');
      this.#trouble = why;
      this.#recheck = setTimeout(() => void this.#vouch(), RECHECK_MS);
      this.#recheck.unref();
    }
  }
}

/** Whether Redis itself answered with an error. */
export function isErrorReply(error: unknown): error is Error {
  return error instanceof ReplyError;
}

function isNoScript(error: unknown): boolean {
  return isErrorReply(error) && error.message.startsWith('NOSCRIPT');
}

/** ioredis sends a Buffer as it is; any other Uint8Array it would print. */
function asArgument(value: ScriptArgument): string | number | Buffer {
  if (!(value instanceof Uint8Array) || Buffer.isBuffer(value)) return value;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
