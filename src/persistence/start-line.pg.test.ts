import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createDatabase,
  startPostgres,
  type TestPostgres,
} from '../../tests/support/postgres-server.ts';
import type { InstitutionId } from '../domain/ids.ts';
import { ensureAcquirerChannels } from './acquirer-channels.ts';
import { DataKeys } from './data-keys.ts';
import { ensureDemo } from './demo-data.ts';
import { MetaStore } from './history/meta-store.ts';
import { settleKeyHashes } from './key-hashes.ts';
import { migrate } from './migrate.ts';
import { settleSealedSecrets } from './sealed-secrets.ts';
import { ensureSecret } from './secrets.ts';
import { lockAtStart, openStartLine } from './start-line.ts';

let server: TestPostgres;
let url: string;
let silent: Server;
const sockets = new Set<Socket>();

beforeAll(async () => {
  server = await startPostgres({ fsync: false });
  url = await createDatabase(server.url);
  silent = createServer(silence);
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  silent.close();
  await server.stop();
});

/** Lets a client connect, and never answers a statement of its (messages that begin with P, for parse, or Q). */
function silence(client: Socket): void {
  const upstream = connect(server.port, '127.0.0.1');
  let isSilent = false;
  for (const socket of [client, upstream]) {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
  }
  client.on('data', (chunk) => {
    isSilent ||= chunk[0] === 0x50 || chunk[0] === 0x51;
    if (!isSilent) upstream.write(chunk);
  });
  upstream.on('data', (chunk) => client.write(chunk));
}

describe('what is done at a start', () => {
  test('gives a line up that has connected and is silent, and says so', async () => {
    const { port } = silent.address() as AddressInfo;
    const over = new URL(url);
    over.port = String(port);
    const { href: databaseUrl } = over;
    const file = join(tmpdir(), 'qrswitch-no-demo.json');
    const acquirer = { name: 'bank', institutionId: 'ins_1' as InstitutionId };
    const outcomes = await Promise.allSettled([
      migrate(databaseUrl),
      settleKeyHashes(databaseUrl, []),
      MetaStore.open({ url: databaseUrl, accepted: [] }),
      ensureSecret({ databaseUrl, name: 'qr' }),
      settleSealedSecrets(databaseUrl, new DataKeys([], 'its own')),
      ensureAcquirerChannels(databaseUrl, [acquirer]),
      ensureDemo({ databaseUrl, file, baseUrl: 'http://localhost' }),
    ]);
    const why = { status: 'rejected', reason: expect.objectContaining({ code: 'ETIMEDOUT' }) };
    expect(outcomes).toEqual(outcomes.map(() => why));
  });

  test('waits for a lock that another start holds, and is not taken for silent meanwhile', async () => {
    const [holder, waiter] = [openStartLine(url), openStartLine(url)];
    await lockAtStart(holder.sql, 1);
    let isLocked = false;
    const waiting = lockAtStart(waiter.sql, 1).then(() => {
      isLocked = true;
    });
    expect(await waiter.sql`select 1 as one`).toEqual([{ one: 1 }]);
    expect(isLocked).toBe(false);
    await holder.close();
    await waiting;
    await waiter.close();
  });
});
