// The feed of the directory on a line that goes silent: it says that it does not hear, and reads on by another.

import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBadLine, type TcpBadLine } from '../tests/support/bad-line.ts';
import {
  createDatabase,
  startPostgres,
  type TestPostgres,
} from '../tests/support/postgres-server.ts';
import { silentLogger as logger } from '../tests/support/silent-logger.ts';
import { watchDirectory } from './directory-watch.ts';
import { migrate } from './persistence/migrate.ts';
import { addInstitution } from './persistence/onboarding.ts';

let server: TestPostgres;
let url: string;
let sql: Sql;
let line: TcpBadLine;

beforeAll(async () => {
  server = await startPostgres();
  url = await createDatabase(server.url);
  await migrate(url);
  sql = postgres(url, { max: 1 });
  line = await startBadLine(server.port);
});
afterAll(async () => {
  await line.close();
  await sql.end({ timeout: 1 });
  await server.stop();
});

test('a feed on a silent line says that it does not hear, and tells what was changed meanwhile', async () => {
  const over = new URL(url);
  over.port = String(line.port);
  const heard: boolean[] = [];
  const suspended: string[] = [];
  const watch = watchDirectory({
    databaseUrl: over.href,
    logger,
    tell: {
      directory: (isHearing) => void heard.push(isHearing),
      agreements: () => undefined,
      tariffs: () => undefined,
      suspensions: (told) => void suspended.push(...told.suspended),
    },
  });
  const id = await addInstitution(sql, { name: 'an institution' });
  await expect.poll(() => heard).toContain(true);
  line.silenceNextAnswer();
  await expect.poll(() => line.failures).toBe(1);
  await sql`update institutions set suspended_at = now() where id = ${id}`;
  await expect.poll(() => suspended).toContain(id);
  await expect.poll(() => heard.slice(heard.indexOf(false))).toEqual([false, true]);
  await watch.stop();
});
