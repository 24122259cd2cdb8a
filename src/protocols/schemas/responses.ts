// What the switch answers. These schemas are the OpenAPI document's, and the tests hold every answer against them.
// They leave room for more fields: clients ignore what they do not know.

import { type TProperties, type TSchema, Type } from '@sinclair/typebox';
import {
  BILL_STATUSES,
  credit,
  paychannelCredit,
  paychannelPayment,
  payment,
  tip,
  tips,
} from './part-responses.ts';
import { amount, mode, text, time } from './response-scalars.ts';
import { named, nullable, oneOf } from './scalars.ts';
import { origin, quote, stayed } from './stay-responses.ts';

export const CAUSES = ['terminal', 'operator', 'timeout', 'acquirer'] as const;

const line = named(
  'Line',
  Type.Object({
    name: Type.String(),
    quantity: Type.Number({ exclusiveMinimum: 0 }),
    price: amount('Price of one.'),
    amount: amount('Amount of the line.'),
  }),
);

const offered = {
  usage: Type.Optional(oneOf(['single', 'many'], { description: 'Of a static bill.' })),
  validFrom: Type.Optional(nullable(time('Of a static bill: not to be paid before.'))),
  validUntil: Type.Optional(
    nullable(time('Of a static bill: not to be paid from then on; null: no end.')),
  ),
};

const returnUrl = nullable(
  text('Where a wallet may send the payer back to once the bill is paid, as the terminal gave it.'),
);

export const policies = Type.Object(
  {
    late: oneOf(['refuse', 'accept']),
    excess: oneOf(['refuse', 'reverse']),
    part: oneOf(['allow', 'forbid']),
    unconfirmed: oneOf(['confirm', 'reverse']),
  },
  { description: 'As chosen when the bill was created.' },
);

export const owed = nullable(
  amount('What is owed; null where the payer chooses from a range, or a tariff says it.'),
);

export const bill = named(
  'Bill',
  Type.Object({
    id: text('26 characters of Crockford base32.'),
    type: oneOf(['dynamic', 'static', 'timer']),
    status: oneOf(BILL_STATUSES, {
      description:
        '`refunded`, `cancelled`, `expired` and `failed` are final. `pending`: its acquirer has not given the code yet.',
    }),
    version: Type.Integer({
      minimum: 1,
      description: '+1 for each command or timer that changes the bill as shown.',
    }),
    orderId: Type.String(),
    purpose: oneOf(['sale', 'prepayment']),
    amount: owed,
    minAmount: nullable(amount('Of a range: the least that a payment may bring.')),
    maxAmount: nullable(amount('Of a range: the most that a payment may bring.')),
    currency: Type.String(),
    due: amount(
      'What payers still owe, of a timer bill by now; of an open static bill, what one payment brings at the least.',
    ),
    paid: amount('All that was accepted.'),
    confirmed: amount('The final amount; never changes.'),
    reversed: amount('Requested back before confirm.'),
    refunded: amount('Requested back after confirm.'),
    unreturned: amount('The part of what was requested back that a wallet rejected.'),
    reserved: amount('What live reservations hold.'),
    description: nullable(Type.String()),
    lines: Type.Array(line),
    metadata: nullable(Type.Record(Type.String(), Type.String())),
    returnUrl,
    capture: oneOf(['manual', 'auto']),
    policies,
    terminalId: Type.String(),
    merchantId: Type.String(),
    institutionId: Type.String(),
    mode,
    relatedBillId: nullable(Type.String()),
    createdAt: time('When it was created.'),
    expiresAt: nullable(time('When it expires unless paid or reserved; null: never.')),
    paidAt: nullable(time('When nothing was due any more.')),
    confirmedAt: nullable(time('When it was confirmed.')),
    closedAt: nullable(time('When it came to its end.')),
    cause: nullable(oneOf(CAUSES, { description: 'Who ended or confirmed it.' })),
    receipt: nullable(Type.Object({}, { description: 'The fiscal receipt.' })),
    payments: Type.Array(payment, { maxItems: 20, description: 'The latest 20, oldest first.' }),
    credits: Type.Array(credit, { maxItems: 20, description: 'The latest 20, oldest first.' }),
    qr: nullable(
      Type.Object(
        {
          format: text(
            '`url`, `emvco`, `sbp`, the name of a format that the operator has loaded, or `acquirer`: its own.',
          ),
          payload: text('What the code says.'),
          svg: text('Link to the code as SVG.'),
          png: text('Link to the code as PNG.'),
        },
        { description: 'Null while its acquirer has not given the code.' },
      ),
    ),
    acquirer: Type.Optional(text('Through which bank’s own QR system it is paid, where it is.')),
    failure: Type.Optional(
      nullable(text('With `acquirer`: why a failed bill has failed, in the bank’s words.')),
    ),
    ...offered,
    ...stayed,
    tariff: origin,
    tip: Type.Optional(tip),
    tips: Type.Optional(tips),
    maxPayments: Type.Optional(nullable(Type.Integer({ minimum: 1 }))),
    maxTotal: Type.Optional(nullable(amount('What all payments together may come to.'))),
    saleId: Type.Optional(
      nullable(text('Of a static bill that has been armed: the bill of the sale that it carries.')),
    ),
    paymentCount: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: 'Of a static bill: payments accepted, all of them.',
      }),
    ),
  }),
);

export const orderVoid = named(
  'OrderVoid',
  Type.Object(
    {
      orderId: Type.String(),
      status: Type.Literal('void'),
      voidedAt: time('When the order was given up.'),
    },
    {
      description:
        'No bill had come for the order; a create that arrives later is refused with `order.void`.',
    },
  ),
);

export const view = named(
  'View',
  Type.Object(
    {
      id: Type.String(),
      type: oneOf(['dynamic', 'static', 'timer']),
      status: oneOf(BILL_STATUSES),
      mode,
      merchant: Type.Object({ name: Type.String(), city: Type.String() }),
      description: nullable(Type.String()),
      lines: Type.Array(line),
      currency: Type.String(),
      amount: owed,
      due: amount(
        'What this channel could pay: what others have reserved is left out. Of a static bill: the least that it can.',
      ),
      minAmount: nullable(amount('Of a range: the least that a payment may bring.')),
      maxAmount: nullable(amount('Of a range: the most that this channel can bring now.')),
      part: oneOf(['allow', 'forbid'], { description: 'Whether it may be paid in parts.' }),
      payable: Type.Boolean(),
      reason: nullable(
        oneOf(
          [
            'expired',
            'cancelled',
            'paid',
            'reserved',
            'withdrawn',
            'notYetValid',
            'limit',
            'armed',
            'acquirer',
          ],
          { description: 'Why it is not payable.' },
        ),
      ),
      retryAt: nullable(
        time(
          'Where it is reserved by others: when the first reservation ends; where it is not yet valid, or nothing is due yet: when it will be.',
        ),
      ),
      now: time('The switch’s clock, which alone decides.'),
      expiresAt: nullable(time('When it expires; null: never.')),
      returnUrl,
      quote: nullable(quote),
      ...offered,
      ...stayed,
      tip: Type.Optional(tip),
    },
    { description: 'A bill as a paychannel sees it.' },
  ),
);

export const reservation = named(
  'Reservation',
  Type.Object({
    id: Type.String(),
    amount: Type.Integer({ minimum: 1 }),
    expiresAt: time('When the hold ends.'),
  }),
);

export const paymentAnswer = named(
  'PaymentAnswer',
  Type.Object({
    payment,
    bill: Type.Object({
      id: Type.String(),
      status: oneOf(BILL_STATUSES),
      version: Type.Integer({ minimum: 1 }),
      amount: owed,
      currency: Type.String(),
      paid: amount('What has been paid, this payment included.'),
      due: amount('What is still owed.'),
      clearUntil: stayed.clearUntil,
    }),
  }),
);

export const terminalPayment = named(
  'TerminalPayment',
  Type.Object({
    payment,
    credits: Type.Array(credit, {
      description: 'Its latest credits, oldest first.',
      maxItems: 20,
    }),
    bill: Type.Object({
      id: Type.String(),
      status: oneOf(BILL_STATUSES),
      version: Type.Integer({ minimum: 1 }),
      currency: Type.String(),
      paid: amount('What has been paid of the bill.'),
      confirmed: amount('What has been confirmed of it.'),
      reversed: amount('Requested back before the confirm.'),
      refunded: amount('Requested back after it.'),
      tips: Type.Optional(tips),
    }),
  }),
);

export const violation = Type.Object({ path: Type.String(), message: Type.String() });
export const problem = named(
  'Problem',
  Type.Object(
    {
      type: text('`/problems/<code>`: a page that says what it means and what to do.'),
      title: Type.String(),
      status: Type.Integer({ minimum: 400, maximum: 599 }),
      detail: Type.String(),
      code: Type.String(),
      retryable: Type.Boolean({
        description: 'Whether the same request, sent again, may succeed.',
      }),
      requestId: Type.String(),
      errors: Type.Optional(
        Type.Array(violation, { description: 'With bad input: what is wrong where.' }),
      ),
    },
    {
      description: 'RFC 9457. Some codes carry members of their own: `reason`, `due`, `billId`, …',
    },
  ),
);

export const batchLine = named(
  'BatchLine',
  Type.Object({
    line: Type.Integer({ minimum: 1, description: 'Which line of the body, blank ones counted.' }),
    orderId: nullable(text('Of the line; null where it has none that could be read.')),
    status: Type.Integer({
      minimum: 200,
      description: 'What a single create would have answered.',
    }),
    bill: Type.Optional(bill),
    problem: Type.Optional(problem),
  }),
);
export const ready = Type.Object({ ready: Type.Boolean() });

/** A page of a list. */
export function listOf(name: string, item: TSchema) {
  const fields: TProperties = {
    items: Type.Array(item, { maxItems: 100, description: 'Newest first.' }),
    nextCursor: nullable(text('For `?cursor=`; null on the last page.')),
    asOf: time('The list is complete up to this time.'),
  };
  return named(name, Type.Object(fields));
}

export const billList = listOf('BillList', bill);
export const paymentList = listOf('PaymentList', payment);
export const creditList = listOf('CreditList', credit);
export const paychannelPaymentList = listOf('PaychannelPaymentList', paychannelPayment);
export const paychannelCreditList = listOf('PaychannelCreditList', paychannelCredit);
