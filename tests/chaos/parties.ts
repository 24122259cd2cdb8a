// Who takes part: institutions, their merchants' terminals and their wallets, written into the directory as an
// operator's tool would, on one connection.

import postgres, { type Sql } from 'postgres';
import { must } from '../../src/domain/assert.ts';
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
  readonly house: House;
}

/** A merchant that has posted to itself what all its terminals get. */
export interface House {
  readonly merchantId: string;
  readonly terminalIds: readonly string[];
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
  const house = { merchantId: '', terminalIds: [] as string[] };
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
      house.merchantId ||= must(merchants[0], 'a merchant');
      for (let i = institution; i < numbers.terminals; i += INSTITUTIONS) {
        const merchantId = must(merchants[i % MERCHANTS], 'a merchant');
        const id = await addTerminal(sql, { merchantId, name: `Till ${i}` });
        if (merchantId === house.merchantId) house.terminalIds.push(id);
        const key = await addKey(sql, { kind: 'terminal', id }, peppers);
        made.push({ api: 'terminal', id, key, institution });
      }
    }
    const idle = await onboardIdle(sql, peppers);
    return { identities: made, idle, institutions, house };
  } finally {
    await sql.end();
  }
}

async function onboardIdle(sql: Sql, peppers: readonly string[]): Promise<Idle[]> {
  const institutionId = await addInstitution(sql, { name: 'Bank of nobody' });
  const merchantId = await addMerchant(sql, { institutionId, name: 'Shop', city: 'Nowhere' });
  const role = 'system';
  const operatorId = await addOperator(sql, { institutionId: null, name: 'Operator', role });
  return [
    { kind: 'merchant', key: await addKey(sql, { kind: 'merchant', id: merchantId }, peppers) },
    { kind: 'operator', key: await addKey(sql, { kind: 'operator', id: operatorId }, peppers) },
  ];
}
