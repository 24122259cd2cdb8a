import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createDatabase,
  startPostgres,
  type TestPostgres,
} from '../../tests/support/postgres-server.ts';
import { DataKeys } from './data-keys.ts';
import { migrate } from './migrate.ts';
import { settleSealedSecrets } from './sealed-secrets.ts';
import { ensureSecret } from './secrets.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres({ fsync: false });
});
afterAll(() => server.stop());

describe('a secret', () => {
  test('is drawn once, however many switches start together, and is another in another database', async () => {
    const [databaseUrl, other] = [
      await createDatabase(server.url),
      await createDatabase(server.url),
    ];
    await Promise.all([migrate(databaseUrl), migrate(other)]);
    const drawn = await Promise.all(
      Array.from({ length: 4 }, () => ensureSecret({ databaseUrl, name: 'qr' })),
    );
    drawn.push(await ensureSecret({ databaseUrl, name: 'qr' }));
    expect(new Set(drawn).size).toBe(1);
    expect(Buffer.from(drawn[0] ?? '', 'base64url')).toHaveLength(32);
    expect(await ensureSecret({ databaseUrl, name: 'another' })).not.toBe(drawn[0]);
    expect(await ensureSecret({ databaseUrl: other, name: 'qr' })).not.toBe(drawn[0]);
  });
});

describe('the key of payers’ digests', () => {
  test('is drawn once, however many switches start together, and durably, whatever the database waits for', async () => {
    const url = await createDatabase(server.url);
    await migrate(url);
    const sql = postgres(url, { max: 1, onnotice: () => undefined });
    await sql.unsafe(`
      alter database ${new URL(url).pathname.slice(1)} set synchronous_commit = off;
      create table seen (name text, waits text);
      create function see() returns trigger language plpgsql as
        $$ begin insert into seen values (new.name, current_setting('synchronous_commit')); return new; end $$;
      create trigger see after insert or update on secrets for each row execute function see()`);
    const settle = (...keys: string[]) => settleSealedSecrets(url, new DataKeys(keys, 'its own'));
    const drawn = await Promise.all([settle(), settle(), settle()]);
    drawn.push(await settle('a newer one'));
    expect(new Set(drawn.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(drawn[0]).toEqual({ payerDigestKey: expect.stringMatching(/^[\w-]{43}$/) });
    const seen = { name: 'payer_digest', waits: 'on' };
    expect(await sql`select name, waits from seen`).toEqual([seen, seen]);
    await sql.end();
  });
});
