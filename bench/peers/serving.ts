// A peer as a process: told what to serve by whoever forked it, tells its port, and ends with it.

import postgres, { type Sql } from 'postgres';
import { PostgresDirectory } from '../../src/persistence/directory.ts';
import { hashKey } from '../../src/persistence/key-hashes.ts';
import type { Principal } from '../../src/switch/principal.ts';
import { silentLogger as logger } from '../../tests/support/silent-logger.ts';

/** What a peer is told at its start. */
export interface PeerTask {
  readonly databaseUrl: string;
  /** Connections to Postgres. */
  readonly pool: number;
}

export type FromPeer =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'failed'; readonly reason: string };

const FRESH_MS = 5_000;

/** Runs `serve` once the task has come; the process ends when its parent does. */
export function servePeer(serve: (task: PeerTask) => Promise<number>): void {
  const say = (message: FromPeer): void => void process.send?.(message);
  process.once('disconnect', () => process.exit(0));
  process.once('message', (task: PeerTask) => {
    serve(task).then(
      (port) => say({ type: 'listening', port }),
      (error: unknown) => say({ type: 'failed', reason: String(error) }),
    );
  });
}

/** A pool that prepares its statements, and reads bigint as a number: amounts and times are below 2^53. */
export function openPool({ databaseUrl, pool }: PeerTask): Sql {
  const bigint = { to: 20, from: [20], parse: Number, serialize: String };
  return postgres(databaseUrl, {
    max: pool,
    fetch_types: false,
    onnotice: () => undefined,
    types: { bigint },
  }) as unknown as Sql;
}

/** Whose key it is, by its hash, remembered for a few seconds; null where nobody's. */
export class Keys {
  readonly #directory: PostgresDirectory;
  readonly #known = new Map<string, { principal: Promise<Principal | null>; until: number }>();

  constructor(databaseUrl: string) {
    this.#directory = new PostgresDirectory({ logger, url: databaseUrl });
  }

  find(authorization: string, kind: Principal['kind']): Promise<Principal | null> {
    const hash = hashKey(authorization.replace(/^Bearer +/i, ''));
    const now = performance.now();
    let entry = this.#known.get(hash);
    if (entry === undefined || now > entry.until) {
      const found = this.#directory.holderOfKey(hash);
      entry = {
        principal: found.then((holder) => holder?.principal ?? null),
        until: now + FRESH_MS,
      };
      entry.principal.catch(() => this.#known.delete(hash));
      this.#known.set(hash, entry);
    }
    return entry.principal.then((principal) => (principal?.kind === kind ? principal : null));
  }
}

let requests = 0;

/** The caller's own request id, or one made here. */
export function requestIdOf(given: string | undefined): string {
  if (given !== undefined && given !== '') return given;
  requests += 1;
  return `${process.pid.toString(36)}-${requests.toString(36)}`;
}
