// Brings a database to the form that this code needs, one numbered file at a time.
//
//   M1. Each file runs once, whole or not at all, together with the line that records it.
//   M2. Several switches may start at once: one migrates, the others wait.
//   M3. A file that was applied never changes, and a database that knows more than the code is refused.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { lockAtStart, openStartLine, overStartLine } from './start-line.ts';

export interface Migration {
  /** `NNNN_name`. */
  readonly name: string;
  readonly text: string;
  /** SHA-256 of the text, hex. */
  readonly checksum: string;
}

const FILE_NAME = /^(\d{4}_[a-z0-9_]+)\.sql$/;
/** Any number that nobody else uses: the name of the lock that makes migrating one at a time. */
const LOCK = 4_715_328_014;
/** A large table may be written anew: only a line that is silent for good is given up. */
const MIGRATION_MS = 12 * 3_600_000;

/** The migrations that lie beside this module, in the sources and in the build alike. */
export function readMigrations(
  folder: URL = new URL('./migrations/', import.meta.url),
): readonly Migration[] {
  const names = readdirSync(folder).flatMap((file) => FILE_NAME.exec(file)?.[1] ?? []);
  return names.sort().map((name) => {
    const text = readFileSync(new URL(`${name}.sql`, folder), 'utf8');
    return { name, text, checksum: createHash('sha256').update(text).digest('hex') };
  });
}

/** Applies what is missing and returns its names. Throws where the database is newer than the code, or differs. */
export function migrate(
  url: string,
  migrations: readonly Migration[] = readMigrations(),
): Promise<string[]> {
  return overStartLine(url, async (sql) => {
    // M2: held by the connection. Were it lost on the way, the recording line's key would still refuse a second run.
    await lockAtStart(sql, LOCK);
    await sql`
      create table if not exists schema_migrations (
        name text primary key,
        checksum text not null,
        applied_at timestamptz not null default now()
      )`;
    const applied = await sql<{ name: string; checksum: string }[]>`
      select name, checksum from schema_migrations order by name`;
    const missing = findMissing(applied, migrations);
    await apply(url, missing);
    return missing.map(({ name }) => name);
  });
}

/** On a line of their own: they may take long. */
async function apply(url: string, missing: readonly Migration[]): Promise<void> {
  const line = openStartLine(url, {}, MIGRATION_MS);
  try {
    for (const { name, text, checksum } of missing) {
      // M1: several statements in one message are one transaction, and cannot be torn apart by a lost connection.
      const recorded = `${text}\n;insert into schema_migrations (name, checksum) values ('${name}', '${checksum}')`;
      await line.use((client) => client.unsafe(recorded));
    }
  } finally {
    await line.close();
  }
}

/** M3. */
function findMissing(
  applied: readonly { name: string; checksum: string }[],
  known: readonly Migration[],
): Migration[] {
  const latest = known.at(-1)?.name ?? 'none';
  const knownByName = new Map(known.map((migration) => [migration.name, migration]));
  for (const { name, checksum } of applied) {
    const migration = knownByName.get(name);
    if (migration === undefined) {
      throw new Error(
        `the database is newer than this switch: it has migration ${name}, ` +
          `and this switch knows them up to ${latest}. Run a later version of the switch.`,
      );
    }
    if (migration.checksum !== checksum) {
      throw new Error(
        `migration ${name} was applied to the database in another form than this switch has it: ` +
          'it was changed after a release, or the database belongs to another build.',
      );
    }
  }
  const names = new Set(applied.map(({ name }) => name));
  return known.filter(({ name }) => !names.has(name));
}
