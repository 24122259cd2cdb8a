import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { startPostgres } from '../../../tests/support/postgres-server.ts';
import { silentLogger } from '../../../tests/support/silent-logger.ts';
import type { ShardId } from '../../domain/ids.ts';
import { isDefect } from '../../switch/failures.ts';
import { PostgresLeases } from './postgres-leases.ts';

const TABLES = new URL('../migrations/0002_log.sql', import.meta.url);

/** A row of one column that nobody has asked for, as from the middle of an answer. */
const STRAY_ROW = Buffer.from([0x44, 0, 0, 0, 11, 0, 1, 0, 0, 0, 1, 0x31]);

test('a torn line is no mistake of ours, by whatever error postgres.js tells of it', async () => {
  const server = await startPostgres();
  const url = new URL(server.url);
  const { port, hostname } = url;
  let isTorn = false;
  const line = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    client.on('error', () => upstream.destroy()).pipe(upstream);
    upstream.on('error', () => client.destroy()).on('close', () => client.destroy());
    upstream.on('data', (chunk) => client.write(isTorn ? STRAY_ROW : chunk));
  });
  await new Promise<void>((done) => line.listen(0, '127.0.0.1', done));
  const sql = postgres(server.url, { max: 1 });
  try {
    await sql.unsafe(await readFile(TABLES, 'utf8'));
    url.hostname = '127.0.0.1';
    url.port = String((line.address() as AddressInfo).port);
    const given = { timeoutMs: 5_000, accepted: [], logger: silentLogger };
    const leases = await PostgresLeases.open({ ...given, url: url.href });
    isTorn = true;
    const failure: unknown = await leases.read([0 as ShardId]).catch((error: unknown) => error);
    expect(failure).toMatchObject({ cause: expect.any(TypeError) });
    expect(isDefect(failure)).toBe(false);
    await leases.close();
  } finally {
    await sql.end();
    line.close();
    await server.stop();
  }
});
