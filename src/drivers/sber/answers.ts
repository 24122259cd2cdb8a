// What Sber's answers mean in the words of the contract: the families of error codes, and the list of operations.

import { type Static, Type } from '@sinclair/typebox';
import { type Minor, minor } from '../../domain/money.ts';
import type { Again, NotDoneCode, Sighting } from '../contract/bill-driver.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

interface Meaning {
  readonly code: NotDoneCode;
  readonly again: Again;
}

const later = (code: NotDoneCode, afterMs: number): Meaning => ({ code, again: { afterMs } });
const never = (code: NotDoneCode): Meaning => ({ code, again: 'never' });

/** By the first two digits of six. */
const FAMILIES: ReadonlyMap<string, Meaning> = new Map([
  ['01', later('refused', HOUR_MS)],
  ['02', later('unauthorised', HOUR_MS)],
  ['03', later('unauthorised', HOUR_MS)],
  ['04', never('refused')],
  ['05', never('unfit')],
  ['06', never('refused')],
  ['07', never('exceeds')],
  ['08', later('closed', MINUTE_MS)],
  ['09', never('unregistered')],
  ['10', never('unregistered')],
  ['11', never('unfit')],
  ['12', later('unauthorised', HOUR_MS)],
  ['13', later('refused', HOUR_MS)],
  ['14', later('unauthorised', HOUR_MS)],
  ['15', never('unregistered')],
  ['16', never('unfit')],
  ['17', never('refused')],
]);

/** Undefined for a family that no paper names: then nobody knows what was done. */
export function meaningOf(errorCode: string): Meaning | undefined {
  return FAMILIES.get(errorCode.slice(0, 2));
}

const sum = Type.Integer({ minimum: 0, maximum: 1e12 });

const operation = Type.Object({
  operation_id: Type.String({ minLength: 1 }),
  operation_type: Type.String(),
  operation_sum: sum,
  response_code: Type.String(),
  auth_code: Type.String(),
  rrn: Type.Optional(Type.String()),
  client_name: Type.Optional(Type.String()),
});

export const statusAnswer = Type.Object({
  order_id: Type.String({ minLength: 1, maxLength: 36 }),
  order_state: Type.String(),
  order_operation_params: Type.Optional(Type.Array(operation)),
  sbp_operation_params: Type.Optional(
    Type.Object({
      sbp_operation_id: Type.Optional(Type.String()),
      sbp_masked_payer_id: Type.Optional(Type.String()),
    }),
  ),
});

export type SberStatus = Static<typeof statusAnswer>;
export type SberOperation = Static<typeof operation>;

const ON_PAYMENT = 'ON_PAYMENT';
const UNPAID: ReadonlyMap<string, Sighting['status']> = new Map([
  ['CREATED', 'open'],
  [ON_PAYMENT, 'paying'],
  ['AUTHORIZED', 'paying'],
  ['CONFIRMED', 'paying'],
  ['REVOKED', 'cancelled'],
  ['DECLINED', 'failed'],
  ['EXPIRED', 'expired'],
]);
const SUCCESSFUL = '00';

export function paymentIn(status: SberStatus): SberOperation | undefined {
  return status.order_operation_params?.find(
    ({ operation_type, response_code }) => operation_type === 'PAY' && response_code === SUCCESSFUL,
  );
}

/**
 * What a status says. The money is counted from the operations: REFUNDED is said of a part as of the whole, and PAID of
 * what could not be given back. Undefined: it says that it is paid, and lists no payment.
 */
export function sightingOf(status: SberStatus): Sighting | undefined {
  const payment = paymentIn(status);
  if (payment === undefined) {
    const unpaid = UNPAID.get(status.order_state);
    return unpaid && { ...NOTHING, status: unpaid };
  }
  const sbp = status.sbp_operation_params;
  return {
    status: 'paid',
    paid: minor(payment.operation_sum),
    returned: returnedIn(status),
    // It waits for SBP: beside a payment that has come, what waits is money on its way back.
    isReturning: status.order_state === ON_PAYMENT,
    reference: sbp?.sbp_operation_id ?? payment.rrn ?? null,
    payer: sbp?.sbp_masked_payer_id ?? payment.client_name ?? null,
  };
}

const NOTHING = {
  paid: minor(0),
  returned: minor(0),
  isReturning: false,
  reference: null,
  payer: null,
} as const;

function returnedIn({ order_operation_params }: SberStatus): Minor {
  return minor(
    (order_operation_params ?? [])
      .filter(
        ({ operation_type, response_code }) =>
          (operation_type === 'REFUND' || operation_type === 'REVERSE') &&
          response_code === SUCCESSFUL,
      )
      .reduce((total, { operation_sum }) => total + operation_sum, 0),
  );
}
