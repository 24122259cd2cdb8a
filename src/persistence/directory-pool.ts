// A few connections for the directory's short statements, those of operators and of webhooks too.

import type { Logger } from '../telemetry/log.ts';
import { PostgresPool } from './postgres-pool.ts';

/** Of a short statement; Postgres itself gives it five seconds of them. */
export const ANSWER_MS = 6_000;

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
  return new PostgresPool({ ...of, url, logger, timeoutMs });
}
