import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { revokeKey } from '../../tests/support/onboarding.ts';
import {
  createDatabase,
  startPostgres,
  type TestPostgres,
} from '../../tests/support/postgres-server.ts';
import type { InstitutionId } from '../domain/ids.ts';
import { migrate } from './migrate.ts';
import { addInstitution, addKey, addPaychannel } from './onboarding.ts';
import { walletsPaying } from './paying-wallets.ts';

let server: TestPostgres;
let sql: Sql;

beforeAll(async () => {
  server = await startPostgres({ fsync: false });
  const url = await createDatabase(server.url);
  await migrate(url);
  sql = postgres(url, { max: 1 });
});
afterAll(async () => {
  await sql.end();
  await server.stop();
});

async function addWallet(
  institutionId: InstitutionId,
  name: string,
): Promise<{ id: string; key: string }> {
  const id = await addPaychannel(sql, { institutionId, name });
  return { id, key: await addKey(sql, { kind: 'paychannel', id }) };
}

async function agree(billing: string, paying: string, since: string, ended?: string) {
  await sql`
    insert into agreements (id, billing_institution_id, paying_institution_id, mode, since, ended_at)
    values (${`${billing}-${paying}`}, ${billing}, ${paying}, 'live', ${since}, ${ended ?? null})`;
}

describe('the wallets that bills can be paid in', () => {
  test('are the bank’s own and those of its agreements, each name once', async () => {
    const add = (letter: string) => addInstitution(sql, { name: `Bank ${letter}` });
    const [a, b, c, d, e] = [
      await add('A'),
      await add('B'),
      await add('C'),
      await add('D'),
      await add('E'),
    ];
    await addWallet(a, 'Own');
    await addWallet(a, 'Own');
    await addWallet(b, 'Friendly');
    await addWallet(c, 'Later');
    await addWallet(d, 'Former');
    await addWallet(e, 'Strange');
    await agree(a, b, '2020-01-01');
    await agree(a, c, '2900-01-01');
    await agree(a, d, '2020-01-01', '2021-01-01');
    // The other way round is another agreement.
    await agree(e, a, '2020-01-01');
    expect(await walletsPaying(sql, a)).toEqual({
      names: ['Friendly', 'Own'],
      isMore: false,
    });
  });

  test('are not those that are suspended, nor those without a key that is good', async () => {
    const bank = await addInstitution(sql, { name: 'Bank F' });
    const suspended = await addWallet(bank, 'Suspended');
    await sql`update paychannels set suspended_at = now() where id = ${suspended.id}`;
    await addPaychannel(sql, { institutionId: bank, name: 'Keyless' });
    const revoked = await addWallet(bank, 'Revoked');
    await revokeKey(sql, revoked.key);
    await addWallet(bank, 'Good');
    expect(await walletsPaying(sql, bank)).toMatchObject({ names: ['Good'] });
    await sql`update institutions set suspended_at = now() where id = ${bank}`;
    expect(await walletsPaying(sql, bank)).toMatchObject({ names: [] });
  });

  test('are at most thirty, and it is told that there are more', async () => {
    const bank = await addInstitution(sql, { name: 'Bank G' });
    for (let no = 10; no < 41; no++) await addWallet(bank, `W${no}`);
    const { names, isMore } = await walletsPaying(sql, bank);
    expect(names).toHaveLength(30);
    expect(names.at(-1)).toBe('W39');
    expect(isMore).toBe(true);
  });
});
