// Who takes part: institutions, their merchants' terminals and their wallets, written into the directory as an
// operator's tool would, on one connection.

import postgres from 'postgres';
import {
  addInstitution,
  addKey,
  addMerchant,
  addOperator,
  addPaychannel,
  addTerminal,
} from '../../src/persistence/onboarding.ts';
import type { Identity } from './clients.ts';
import type { Place } from './stage.ts';

/** Keys of other kinds, whose holders do no business here. */
export interface Idle {
  readonly kind: 'merchant' | 'operator';
  readonly key: string;
}

export interface Onboarded {
  readonly identities: readonly Identity[];
  readonly idle: readonly Idle[];
  /** Ids of those that do business. */
  readonly institutions: readonly string[];
}

const INSTITUTIONS = 3;
const MERCHANTS = 2;

export async function onboard(
  { databaseUrl, credentials }: Place,
  numbers: { terminals: number; wallets: number },
): Promise<Onboarded> {
  const peppers = [credentials.pepper];
  const sql = postgres(databaseUrl, { max: 1 });
  const made: Identity[] = [];
  const institutions: string[] = [];
  try {
    for (let institution = 0; institution < INSTITUTIONS; institution++) {
      const institutionId = await addInstitution(sql, { name: `Bank ${institution}` });
      institutions.push(institutionId);
      for (let i = institution; i < numbers.wallets; i += INSTITUTIONS) {
        const subscribed = i % 2 === 0;
        const id = await addPaychannel(sql, { institutionId, name: `Wallet ${i}`, subscribed });
        const key = await addKey(sql, { kind: 'paychannel', id }, peppers);
        made.push({ api: 'paychannel', id, key, institution });
      }
      const merchants = await Promise.all(
        Array.from({ length: MERCHANTS }, (_, i) =>
          addMerchant(sql, { institutionId, name: `Shop ${i}`, city: 'Springfield' }),
        ),
      );
      for (let i = institution; i < numbers.terminals; i += INSTITUTIONS) {
        const merchantId = merchants[i % MERCHANTS] ?? merchants[0];
        if (merchantId === undefined) continue;
        const id = await addTerminal(sql, { merchantId, name: `Till ${i}` });
        const key = await addKey(sql, { kind: 'terminal', id }, peppers);
        made.push({ api: 'terminal', id, key, institution });
      }
    }
    const institutionId = await addInstitution(sql, { name: 'Bank of nobody' });
    const merchantId = await addMerchant(sql, { institutionId, name: 'Shop', city: 'Nowhere' });
    const operatorId = await addOperator(sql, {
      institutionId: null,
      name: 'Operator',
      role: 'system',
    });
    const idle: Idle[] = [
      { kind: 'merchant', key: await addKey(sql, { kind: 'merchant', id: merchantId }, peppers) },
      { kind: 'operator', key: await addKey(sql, { kind: 'operator', id: operatorId }, peppers) },
    ];
    return { identities: made, idle, institutions };
  } finally {
    await sql.end();
  }
}
