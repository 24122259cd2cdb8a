// The first system operator of a database: whoever can write to Postgres may make it, as long as there is none.

import type { Sql } from 'postgres';
import { readKeyHashes } from './key-hashes.ts';
import { addKey, addOperator } from './onboarding.ts';
import { overOneConnection } from './one-connection.ts';

/** Its key; null where a system operator has one already. A switch has been started on the database. */
export function makeFirstOperator(options: {
  databaseUrl: string;
  name: string;
  peppers: readonly string[];
}): Promise<string | null> {
  const { databaseUrl, name, peppers } = options;
  return overOneConnection(databaseUrl, async (sql) => {
    await refuseOtherPeppers(sql, peppers);
    const [known] = await sql`
      select 1 from operators o join keys k on k.operator_id = o.id
      where o.role = 'system' and o.suspended_at is null and k.revoked_at is null
        and (k.expires_at is null or k.expires_at > now())
      limit 1`;
    if (known !== undefined) return null;
    const id = await addOperator(sql, { institutionId: null, name, role: 'system' });
    return await addKey(sql, { kind: 'operator', id }, peppers);
  });
}

/** A running switch would know no key that lies under others than its own. */
async function refuseOtherPeppers(sql: Sql, peppers: readonly string[]): Promise<void> {
  const given = (await readKeyHashes(sql, peppers)).fingerprints();
  const rows = await sql<{ fingerprint: string }[]>`
    select fingerprint from key_peppers order by no`;
  if (rows.map(({ fingerprint }) => fingerprint).join() === given.join()) return;
  throw new Error(
    'the switch of this database was last started with other QRSWITCH_KEY_PEPPERS, or never: start it first',
  );
}
