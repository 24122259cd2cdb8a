// More parties than the demo has, written into the directory as an operator's tool would.

import postgres, { type Sql } from 'postgres';
import type { QrFormat } from '../../src/domain/bill/vocabulary.ts';
import type { InstitutionId, MerchantId } from '../../src/domain/ids.ts';
import { hashKey, readKeyHashes } from '../../src/persistence/key-hashes.ts';
import {
  addInstitution,
  addKey,
  addMerchant,
  addOperator,
  addPaychannel,
  addTerminal,
} from '../../src/persistence/onboarding.ts';

export interface Keyed {
  readonly id: string;
  readonly key: string;
}

export interface Institution {
  readonly id: InstitutionId;
  readonly merchant: Keyed;
  readonly terminal: Keyed;
  readonly paychannel: Keyed;
  readonly operator: Keyed;
}

/** A whole institution that has nothing to do with the demo's. */
export function onboardInstitution(databaseUrl: string): Promise<Institution> {
  return withDirectory(databaseUrl, async (sql) => {
    const institutionId = await addInstitution(sql, { name: 'Another Bank' });
    const merchantId = await addMerchant(sql, {
      institutionId,
      name: 'Another Shop',
      city: 'Shelbyville',
    });
    const terminalId = await addTerminal(sql, { merchantId, name: 'Another till' });
    const paychannelId = await addPaychannel(sql, { institutionId, name: 'Another wallet' });
    const operatorId = await addOperator(sql, { institutionId, name: 'Another operator' });
    return {
      id: institutionId,
      merchant: { id: merchantId, key: await addKey(sql, { kind: 'merchant', id: merchantId }) },
      terminal: { id: terminalId, key: await addKey(sql, { kind: 'terminal', id: terminalId }) },
      paychannel: {
        id: paychannelId,
        key: await addKey(sql, { kind: 'paychannel', id: paychannelId }),
      },
      operator: { id: operatorId, key: await addKey(sql, { kind: 'operator', id: operatorId }) },
    };
  });
}

export function onboardPaychannel(databaseUrl: string, institutionId: string): Promise<Keyed> {
  return withDirectory(databaseUrl, async (sql) => {
    const institution = institutionId as InstitutionId;
    const id = await addPaychannel(sql, { institutionId: institution, name: 'Second wallet' });
    return { id, key: await addKey(sql, { kind: 'paychannel', id }) };
  });
}

export function onboardTerminal(
  databaseUrl: string,
  of: { merchantId: string; restricted?: boolean },
): Promise<Keyed> {
  return withDirectory(databaseUrl, async (sql) => {
    const merchantId = of.merchantId as MerchantId;
    const id = await addTerminal(sql, { ...of, merchantId, name: 'Second till' });
    return { id, key: await addKey(sql, { kind: 'terminal', id }) };
  });
}

/** The terminal of a merchant of its own. */
export function onboardMerchant(
  databaseUrl: string,
  institutionId: string,
  given: { name?: string; city?: string; country?: string; qrFormat?: QrFormat } = {},
): Promise<Keyed> {
  return withDirectory(databaseUrl, async (sql) => {
    const institution = institutionId as InstitutionId;
    const { qrFormat, ...more } = given;
    const named = { name: 'Second Shop', city: 'Springfield', ...more };
    const merchantId = await addMerchant(sql, { institutionId: institution, ...named });
    const format = qrFormat === undefined ? {} : { qrFormat };
    const id = await addTerminal(sql, { merchantId, name: 'Its till', ...format });
    return { id, key: await addKey(sql, { kind: 'terminal', id }) };
  });
}

/** From now on the key is nobody's. False where it was not in use. */
export async function revokeKey(sql: Sql, key: string): Promise<boolean> {
  const stored = (await readKeyHashes(sql)).stored(hashKey(key));
  const revoked = await sql`
    update keys set revoked_at = now() where key_hash = ${stored} and revoked_at is null`;
  return revoked.count === 1;
}

async function withDirectory<T>(databaseUrl: string, work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = postgres(databaseUrl, { max: 1 });
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}
