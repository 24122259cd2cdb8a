// A store that is set up to lose what it acknowledged is refused, by name and with the cure, unless the operator has
// accepted it by name (in ARCHITECTURE.md: one machine). Looked at when connecting, each time.

import type { Redis } from 'ioredis';
import type { ISql } from 'postgres';

/** One setting of a store that may lose acknowledged writes. */
export interface Finding {
  readonly store: 'redis' | 'postgres';
  readonly setting: string;
  /** As the store says it; `unknown` where it does not let us ask. */
  readonly found: string;
  readonly needed: string;
  /** What the operator can do about it. */
  readonly cure: string;
  /** The name by which the operator may accept it; null: it cannot be accepted. */
  readonly acceptName: string | null;
}

interface Need {
  readonly setting: string;
  readonly needed: string;
  readonly cure: string;
  readonly acceptName: string;
}

const REDIS_NEEDS: readonly Need[] = [
  redisNeed('appendonly', 'yes'),
  redisNeed('appendfsync', 'always'),
  redisNeed('no-appendfsync-on-rewrite', 'no'),
  redisNeed('maxmemory-policy', 'noeviction'),
];
const REDIS_UNVERIFIED = 'redis.unverified';

const POSTGRES_NEEDS: readonly Need[] = [postgresNeed('fsync'), postgresNeed('full_page_writes')];

/** Every name that an operator may accept a finding by. */
export const ACCEPT_NAMES: readonly string[] = [
  ...REDIS_NEEDS.map((need) => need.acceptName),
  REDIS_UNVERIFIED,
  ...POSTGRES_NEEDS.map((need) => need.acceptName),
];

/** The store would lose acknowledged writes; the message says what to set. */
export class UnsafeStore extends Error {
  override readonly name = 'UnsafeStore';
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    super(findings.map(describeFinding).join('; '));
    this.findings = findings;
  }
}

/** Rejects with UnsafeStore where Redis has a finding that is not accepted, and with any error where it cannot say. */
export async function checkRedis(redis: Redis, accepted: readonly string[]): Promise<void> {
  const refused = refusedFindings(await inspectRedis(redis), accepted);
  if (refused.length > 0) throw new UnsafeStore(refused);
}

/** As `checkRedis`, for Postgres. */
export async function checkPostgres(sql: ISql, accepted: readonly string[]): Promise<void> {
  const refused = refusedFindings(await inspectPostgres(sql), accepted);
  if (refused.length > 0) throw new UnsafeStore(refused);
}

/** What is wrong with a Redis; [] where nothing is. */
export async function inspectRedis(redis: Redis): Promise<Finding[]> {
  const findings: Finding[] = [];
  const role = firstOf(await redis.call('ROLE'));
  if (role !== 'master') {
    findings.push({
      store: 'redis',
      setting: 'role',
      found: role ?? 'unknown',
      needed: 'master',
      cure: 'point REDIS_URL to the primary',
      acceptName: null,
    });
  }
  for (const need of REDIS_NEEDS) {
    let found: string | undefined;
    try {
      found = secondOf(await redis.call('CONFIG', 'GET', need.setting));
    } catch (error) {
      // A reply means that Redis forbids or has no CONFIG, as some hosts do; anything else is a lost connection.
      if (!(error instanceof Error && error.name === 'ReplyError')) throw error;
      return [...findings, unverified(error.message)];
    }
    if (found !== need.needed)
      findings.push({ store: 'redis', ...need, found: found ?? 'unknown' });
  }
  return findings;
}

/** What is wrong with a Postgres; [] where nothing is. */
export async function inspectPostgres(sql: ISql): Promise<Finding[]> {
  const [row] = await sql<[{ fsync: string; full_page_writes: string; recovering: boolean }]>`
    select
      current_setting('fsync') as fsync,
      current_setting('full_page_writes') as full_page_writes,
      pg_is_in_recovery() as recovering
  `;
  const settings: Record<string, string> = {
    fsync: row.fsync,
    full_page_writes: row.full_page_writes,
  };
  const findings: Finding[] = [];
  if (row.recovering) {
    findings.push({
      store: 'postgres',
      setting: 'pg_is_in_recovery()',
      found: 'true',
      needed: 'false',
      cure: 'point DATABASE_URL to the primary',
      acceptName: null,
    });
  }
  for (const need of POSTGRES_NEEDS) {
    const found = settings[need.setting] ?? 'unknown';
    if (found !== need.needed) findings.push({ store: 'postgres', ...need, found });
  }
  return findings;
}

/** The findings that the operator has not accepted. */
export function refusedFindings(
  findings: readonly Finding[],
  accepted: readonly string[],
): Finding[] {
  return findings.filter(({ acceptName }) => acceptName === null || !accepted.includes(acceptName));
}

/** One finding for a person to act on. */
export function describeFinding(finding: Finding): string {
  const { store, setting, found, needed, cure, acceptName } = finding;
  const way = acceptName === null ? cure : `${cure}, or accept it as ${acceptName}`;
  return `${store}: ${setting} is ${found}, not ${needed}: ${way}`;
}

function unverified(answer: string): Finding {
  return {
    store: 'redis',
    setting: 'CONFIG GET',
    found: `unknown (${answer})`,
    needed: 'allowed, to see appendonly and others',
    cure: 'allow it to this user by ACL SETUSER <user> +config|get',
    acceptName: REDIS_UNVERIFIED,
  };
}

function redisNeed(setting: string, needed: string): Need {
  const cure = `CONFIG SET ${setting} ${needed}, and the same in redis.conf`;
  return { setting, needed, cure, acceptName: `redis.${setting}` };
}

function postgresNeed(setting: string): Need {
  const cure = `set ${setting} = on in postgresql.conf and reload`;
  return { setting, needed: 'on', cure, acceptName: `postgres.${setting}` };
}

function firstOf(reply: unknown): string | undefined {
  return textAt(reply, 0);
}

function secondOf(reply: unknown): string | undefined {
  return textAt(reply, 1);
}

function textAt(reply: unknown, index: number): string | undefined {
  const value: unknown = Array.isArray(reply) ? reply[index] : undefined;
  return typeof value === 'string' ? value : undefined;
}
