// One sale of the storm, and the seven keys that it needs: its order, four payments and two refunds.

import type { Api, Body, Op } from '../support/client.ts';
import type { KeyRules, Variant } from './verdict.ts';

export interface Key {
  readonly api: Api;
  readonly op: Op;
  readonly rules: KeyRules;
  /** The body of each variant; of the bill that the order has made, for all others. */
  readonly body: (billId: string, variant: Variant) => Body;
}

const CURRENCY = 'EUR';
export const AMOUNT = 1_000;
const PARTS = 4;
/** What a refund gives back, by variant. */
const REFUND: readonly [number, number] = [100, 101];
const REFUNDS = 2;

/** The bill as it is now: of whatever else has happened to it, nothing is the key's. */
const sameBill = (body: unknown): unknown => (body as { id: string }).id;
const sameAnswer = (body: unknown): unknown => body;

export const orderRules: KeyRules = { refusal: 'order.reused', creates: true, alike: sameBill };
const paymentRules: KeyRules = {
  refusal: 'payment.refReused',
  creates: true,
  alike: sameAnswer,
};
const refundRules: KeyRules = {
  refusal: 'idempotency.reused',
  creates: false,
  alike: sameBill,
};

/** In the order in which they are sent: all repeats of one before the first of the next. */
export function keysOf(name: string): { order: Key; payments: Key[]; refunds: Key[] } {
  const order: Key = {
    api: 'terminal',
    op: 'bill.create',
    rules: orderRules,
    body: (_bill, variant) => ({
      orderId: name,
      amount: AMOUNT,
      currency: CURRENCY,
      description: `variant ${variant}`,
    }),
  };
  const payments = Array.from(
    { length: PARTS },
    (_, index): Key => ({
      api: 'paychannel',
      op: 'payment.create',
      rules: paymentRules,
      body: (billId, variant) => ({
        billId,
        paymentRef: `p-${index}`,
        amount: AMOUNT / PARTS,
        currency: CURRENCY,
        method: `variant ${variant}`,
      }),
    }),
  );
  const refunds = Array.from(
    { length: REFUNDS },
    (_, index): Key => ({
      api: 'terminal',
      op: 'bill.refund',
      rules: refundRules,
      body: (billId, variant) => ({
        billId,
        amount: REFUND[variant],
        idempotencyKey: `${name}-r-${index}`,
      }),
    }),
  );
  return { order, payments, refunds };
}

/** What the refunds give back, whose winners these are. */
export function refundedBy(winners: readonly (Variant | null)[]): number {
  return winners.reduce<number>((sum, winner) => sum + (winner === null ? 0 : REFUND[winner]), 0);
}
