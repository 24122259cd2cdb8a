// Bills, payments, credits, events and transitions as rows of tables.

import { cell } from './showing.ts';
import type { Column } from './table.ts';

/** What the switch shows; each column knows its own field. */
export type Row = Readonly<Record<string, unknown>>;

export interface Listed {
  readonly columns: readonly Column[];
  cells(row: Row): string[];
}

type Field = readonly [title: string, of: (row: Row) => string, align?: 'right'];

function listed(...fields: Field[]): Listed {
  return {
    columns: fields.map(([title, , align]) => (align === undefined ? { title } : { title, align })),
    cells: (row) => fields.map(([, of]) => of(row)),
  };
}

const word =
  (name: string) =>
  (row: Row): string =>
    String(row[name] ?? '');
const time =
  (name: string) =>
  (row: Row): string =>
    cell(row[name]);
const money = (title: string, name: string): Field => [title, word(name), 'right'];
const party = (value: unknown): string => {
  const { kind = '', id = '' } = (value ?? {}) as { kind?: string; id?: string };
  return id === '' ? kind : `${kind} ${id}`;
};

export const BILLS = listed(
  ['id', word('id')],
  ['created', time('createdAt')],
  ['order', word('orderId')],
  ['type', word('type')],
  ['status', word('status')],
  money('amount', 'amount'),
  money('paid', 'paid'),
  money('confirmed', 'confirmed'),
  money('refunded', 'refunded'),
  money('unreturned', 'unreturned'),
  ['currency', word('currency')],
  ['mode', word('mode')],
);

export const PAYMENTS = listed(
  ['id', word('id')],
  ['received', time('receivedAt')],
  ['reference', word('paymentRef')],
  ['status', (row) => String(row.code ?? row.status)],
  money('amount', 'amount'),
  money('given back', 'credited'),
  money('tip', 'tip'),
  ['paychannel', word('paychannelId')],
  ['of institution', word('payingInstitutionId')],
  ['told', time('merchantNotifiedAt')],
);

export const CREDITS = listed(
  ['id', word('id')],
  ['requested', time('requestedAt')],
  ['kind', (row) => (row.tip === true ? `${row.kind} of a tip` : String(row.kind))],
  ['status', (row) => (row.overdue === true ? 'overdue' : String(row.status))],
  money('amount', 'amount'),
  ['payment', word('paymentRef')],
  ['settled', time('settledAt')],
  ['reference', word('reference')],
  ['reason', word('reason')],
);

/** Of a bill that may be another's: what a view tells of it. */
const ofBill =
  (show: (bill: Readonly<Record<string, unknown>>) => unknown) =>
  (row: Row): string =>
    String(show((row.bill ?? {}) as Readonly<Record<string, unknown>>) ?? '');
const VIEWED: readonly Field[] = [
  ['paychannel', word('paychannelId')],
  ['bill of', word('billingInstitutionId')],
  ['merchant', ofBill(({ merchant }) => (merchant as { name?: string } | undefined)?.name)],
  ['bill is', ofBill(({ status }) => status)],
];

export const PAYING_PAYMENTS = listed(
  ['id', word('id')],
  ['received', time('receivedAt')],
  ['reference', word('paymentRef')],
  ['status', (row) => String(row.code ?? row.status)],
  money('amount', 'amount'),
  money('given back', 'credited'),
  ...VIEWED,
);

export const PAYING_CREDITS = listed(
  ['id', word('id')],
  ['requested', time('requestedAt')],
  ['kind', (row) => (row.tip === true ? `${row.kind} of a tip` : String(row.kind))],
  ['status', (row) => (row.overdue === true ? 'overdue' : String(row.status))],
  money('amount', 'amount'),
  ['payment', word('paymentRef')],
  ['reference', word('reference')],
  ...VIEWED,
);

export const EVENTS = listed(
  ['id', word('id')],
  ['occurred', time('occurredAt')],
  ['type', word('type')],
  ['to', (row) => party(row.recipient)],
  ['status', word('status')],
  ['acknowledged', time('acknowledgedAt')],
);

export const TRANSITIONS = listed(
  [
    'at',
    (row) =>
      String(row.at ?? '')
        .replace('T', ' ')
        .replace('Z', ''),
  ],
  ['call', word('call')],
  ['outcome', word('outcome')],
  ['by', (row) => party(row.actor)],
  ['version', word('version'), 'right'],
  ['request', word('requestId')],
);
