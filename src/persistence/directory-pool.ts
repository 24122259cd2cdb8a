// A few connections for the directory's short statements, those of operators and of webhooks too.

import type { Logger } from '../telemetry/log.ts';
import { PostgresPool } from './postgres-pool.ts';

/** What Postgres gives a statement. */
const STATEMENT_MS = 5_000;
/** A second more than that: what is only slow is refused by Postgres itself, and its connection stays. */
const ANSWER_MS = STATEMENT_MS + 1_000;

export interface DirectoryPlace {
  readonly url: string;
  readonly logger: Logger;
  /** After how long a silent Postgres is given up. */
  readonly timeoutMs?: number;
}

export function openDirectoryPool(
  { url, logger, timeoutMs = ANSWER_MS }: DirectoryPlace,
  of: {
    readonly name: string;
    readonly connectionsMax: number;
    readonly settings?: Readonly<Record<string, string>>;
  },
): PostgresPool {
  return new PostgresPool({
    ...of,
    url,
    logger,
    timeoutMs,
    settings: { statement_timeout: STATEMENT_MS, ...of.settings },
  });
}
