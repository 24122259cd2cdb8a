// One cluster of Postgres for all tests of a run to copy: making it takes a processor for two seconds, copying it next
// to nothing. A database in it has the form that the switch wants, to be copied likewise.

import { rm } from 'node:fs/promises';
import postgres from 'postgres';
import { migrate } from '../../src/persistence/migrate.ts';
import {
  createDatabase,
  MIGRATED,
  PASSWORD,
  startPostgres,
  TEMPLATE,
  USER,
} from './postgres-server.ts';

/** For the whole run, whichever projects ask for it. */
export async function setup(): Promise<() => Promise<void>> {
  if (process.env[TEMPLATE] !== undefined) return () => Promise.resolve();
  const server = await startPostgres({ fsync: false });
  await rememberLightly(server.url);
  await migrate(await createDatabase(server.url, { name: MIGRATED }));
  await dropSpareTemplate(server.url);
  await server.stop({ keep: true });
  process.env[TEMPLATE] = server.dir;
  return async () => {
    delete process.env[TEMPLATE];
    await rm(server.dir, { recursive: true, force: true });
  };
}

/** A quarter of what is copied, and nobody makes a database of it. */
async function dropSpareTemplate(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await sql`alter database template0 with is_template false`;
    await sql`drop database template0`;
  } finally {
    await sql.end();
  }
}

/** Passwords are asked for as ever, and each of the many connections of a start reckons for microseconds, not for milliseconds. */
async function rememberLightly(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await sql`set scram_iterations = 1`;
    await sql.unsafe(`alter role ${USER} password '${PASSWORD}'`);
  } finally {
    await sql.end();
  }
}
