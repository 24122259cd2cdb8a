// What requests are made of: keys of each kind, ids that exist, and canaries in what clients may write freely.

import type { RequestName } from '../../../src/protocols/schemas/requests.ts';
import { fresh } from '../../support/client.ts';
import { nearlyFittingBody } from '../bodies.ts';
import type { Choices } from '../choices.ts';
import { type Odd, put } from '../odd-values.ts';
import { CANARY, type Siege } from './siege.ts';

/** Texts that are carried and shown, and stand in no log line. */
const TOLD = ['description', 'payer', 'reason', 'method'];

export function keyFor(choices: Choices, siege: Siege, api: string): string {
  const { terminal, merchant, paychannel, operator } = siege.institution;
  if (choices.chance(0.75)) return api === 'paychannel' ? paychannel.key : terminal.key;
  const wrong = `${CANARY}-${choices.below(1_000)}`;
  return choices.pick([merchant.key, operator.key, terminal.key, paychannel.key, wrong]);
}

/** A body with ids that exist, and canaries in what clients may write freely. */
export function aimedBody(choices: Choices, siege: Siege, name: RequestName): Odd {
  const body = nearlyFittingBody(choices, name);
  if (body === null || typeof body !== 'object' || Array.isArray(body)) return body ?? null;
  const aimed: Record<string, Odd> = {};
  for (const [key, value] of Object.entries(body)) put(aimed, key, value as Odd);
  if (typeof aimed.billId === 'string') aimed.billId = aimedBill(choices, siege);
  if (typeof aimed.creditId === 'string') aimed.creditId = `${aimedBill(choices, siege)}-c1`;
  if (name === 'bill.create' && choices.chance(0.9)) aimed.orderId = fresh('siege');
  if (typeof aimed.wait === 'number') aimed.wait = 0.01;
  for (const key of TOLD)
    if (typeof aimed[key] === 'string' && choices.chance(0.5)) aimed[key] = CANARY;
  return aimed;
}

export function aimedBill(choices: Choices, siege: Siege): string {
  const { bills } = siege;
  return choices.chance(0.9) && bills.length > 0
    ? choices.pick(bills)
    : '01JB3M0Q2V000Z4R8XN5T6K9WC';
}

/** The order that a create names, whatever else is wrong with it. */
export function orderOf(body: Odd): unknown {
  return (body as { orderId?: unknown } | null)?.orderId;
}
