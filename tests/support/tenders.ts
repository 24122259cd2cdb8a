// What tests of bank drivers register, pay and give back.

import { expect } from 'vitest';
import type { Currency, Minor } from '../../src/domain/money.ts';
import type { Millis } from '../../src/domain/time.ts';
import type {
  Outcome,
  Registration,
  Sighting,
  Tender,
} from '../../src/drivers/contract/bill-driver.ts';
import type { BankWorld } from './bank-worlds.ts';

export const NEVER_SENT = { lastSentAt: null };

export function tender({ clock }: BankWorld, change: Partial<Tender> = {}): Tender {
  return {
    id: '01JB3M0Q2V00AZ4R8XN5T6K9WC-1',
    amount: 150_00 as Minor,
    currency: 'RUB' as Currency,
    description: 'Чай и булочка',
    expiresAt: (clock.wall() + 900_000) as Millis,
    ...change,
  };
}

export function doneOf<Value>(outcome: Outcome<Value>): Value {
  if (outcome.outcome !== 'done') throw new Error(`${outcome.outcome}: ${outcome.detail}`);
  return outcome.value;
}

export async function registered(
  at: BankWorld,
  change: Partial<Tender> = {},
): Promise<Registration> {
  return doneOf(await at.driver.register(tender(at, change), NEVER_SENT));
}

export async function paid(at: BankWorld): Promise<Registration> {
  const registration = await registered(at);
  expect(at.bank.pay(registration.payload)).toBeUndefined();
  return registration;
}

export async function seen(at: BankWorld, registration: Registration): Promise<Sighting> {
  return doneOf(await at.driver.look(registration));
}

export function refundOf(amount: number, returnedBefore = 0) {
  return { id: 'r1', amount: amount as Minor, returnedBefore: returnedBefore as Minor };
}

/** The attempt of who has sent it just now. */
export function sentNow({ clock }: BankWorld) {
  return { lastSentAt: clock.wall() as Millis };
}
