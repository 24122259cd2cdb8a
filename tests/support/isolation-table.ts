// Every route and every WebSocket operation, with what it is asked about another's things: a stranger's walk goes along it.
// A route that is not here fails the walk (tests/e2e/isolation.test.ts).

import type { Body } from './client.ts';

/** What is somebody's; or, by the same names, what is nobody's. */
export interface Things {
  readonly billId: string;
  readonly paymentId: string;
  readonly paymentRef: string;
  readonly creditId: string;
  /** A bill that is open, with a reservation. */
  readonly heldBillId: string;
  readonly reservationId: string;
  readonly eventId: string;
  readonly orderId: string;
  readonly qr: string;
  readonly institutionId: string;
  readonly merchantId: string;
  readonly terminalId: string;
  readonly paychannelId: string;
  readonly operatorId: string;
  readonly keyId: string;
  readonly agreementId: string;
  readonly webhookId: string;
  readonly tariffName: string;
}

export type Row =
  /** Names a thing: a stranger is told that there is none, or that the call is not its own. */
  | { readonly names: (of: Things) => Body }
  /** The same, but the call is for who runs the switch alone: nobody else is told more than that. */
  | { readonly ofSystem: (of: Things) => Body }
  /** Lists: a stranger finds nothing of it there, whatever it asks for. */
  | { readonly lists: (of: Things) => Body }
  /** Names nothing but what is the caller's own, or nothing yet: why. */
  | { readonly own: string };

const bill = (of: Things): Body => ({ billId: of.billId });
const webhook = (of: Things): Body => ({ webhookId: of.webhookId });
const tariff = (of: Things): Body => ({
  merchantId: of.merchantId,
  tariffName: of.tariffName,
});
/** A tariff that could be put anywhere. */
export const FREE_TARIFF: Body = {
  currency: 'EUR',
  timeZone: 'Europe/Riga',
  versions: [
    {
      effectiveFrom: '2026-01-01T00:00:00Z',
      graceSeconds: 0,
      quoteSeconds: 0,
      rules: [{ name: 'Always', phases: [{ amount: 0 }] }],
    },
  ],
};
const keyed = { idempotencyKey: 'k' } as const;
const ofPayment = (of: Things): Body => ({ billId: of.billId, paymentId: of.paymentId });
const credit = (of: Things): Body => ({ creditId: of.creditId });
const paid = (of: Things): Body => ({ billId: of.billId, paymentRef: of.paymentRef });

const ofBills: Readonly<Record<string, Row>> = {
  'bill.get': { names: bill },
  'bill.payments': { names: bill },
  'bill.credits': { names: bill },
  'bill.confirm': { names: bill },
  'bill.cancel': { names: (of) => ({ ...bill(of), amount: 1, ...keyed }) },
  'bill.refund': { names: (of) => ({ ...ofPayment(of), amount: 1, ...keyed }) },
  'payment.confirm': { names: ofPayment },
  'payment.cancel': { names: (of) => ({ ...ofPayment(of), amount: 1, ...keyed }) },
  'payment.refund': { names: (of) => ({ ...ofPayment(of), ...keyed }) },
};

export const TERMINAL_ROUTES: Readonly<Record<string, Row>> = {
  ...ofBills,
  'bill.create': { own: 'a new order of the terminal’s own' },
  'bill.batch': { own: 'new orders of the terminal’s own' },
  'bill.list': { lists: () => ({}) },
  'bill.qr.svg': { names: bill },
  'bill.qr.png': { names: bill },
  'bill.qr.txt': { names: bill },
  'bill.receipt': { names: (of) => ({ ...bill(of), receipt: { no: 1 } }) },
  'bill.arm': {
    names: (of) => ({ ...bill(of), orderId: 'isolation', amount: 100, ttl: 60 }),
  },
  'order.resolve': { own: 'an order of the terminal’s own, whatever others call theirs' },
  'terminal.stream': { own: 'the terminal’s own; its operations have rows of their own' },
  'terminal.events': { lists: () => ({}) },
  'terminal.event.ack': { lists: (of) => ({ ids: [of.eventId] }) },
};

export const PAYCHANNEL_ROUTES: Readonly<Record<string, Row>> = {
  'bill.resolve': { names: (of) => ({ qr: of.qr }) },
  'bill.view': { names: bill },
  'bill.reserve': { names: (of) => ({ billId: of.heldBillId, reservationRef: 'isolation' }) },
  'bill.release': {
    names: (of) => ({ billId: of.heldBillId, reservationId: of.reservationId }),
  },
  'payment.create': { names: (of) => ({ ...paid(of), amount: 1000, currency: 'EUR' }) },
  'payment.get': { names: paid },
  'payment.void': { names: paid },
  'paychannel.payments': { lists: () => ({}) },
  'paychannel.credits': { lists: () => ({}) },
  'credit.get': { names: credit },
  'credit.settle': { names: (of) => ({ ...credit(of), status: 'settled' }) },
  'paychannel.stream': { own: 'the paychannel’s own; its operations have rows of their own' },
  'paychannel.events': { lists: () => ({}) },
  'paychannel.event.ack': { lists: (of) => ({ ids: [of.eventId] }) },
};

/** The calls on what a party's codes are made of. */
function ofCodes(): Record<string, Row> {
  const rows: Record<string, Row> = {};
  for (const kind of ['institution', 'merchant', 'terminal'] as const) {
    const names = (of: Things): Body => ({ partyId: of[`${kind}Id`] });
    const own = kind === 'merchant' ? { country: 'LV' } : { format: 'url' };
    const changed = (of: Things): Body => ({ ...names(of), ...own });
    const isOfSystem = kind === 'institution';
    rows[`operator.${kind}.codes`] = { names };
    rows[`operator.${kind}.changeCodes`] = isOfSystem ? { ofSystem: changed } : { names: changed };
  }
  return rows;
}

/** The calls on a party of each kind. */
function ofParties(): Record<string, Row> {
  const rows: Record<string, Row> = {};
  for (const kind of ['institution', 'merchant', 'terminal', 'paychannel', 'operator'] as const) {
    const names = (of: Things): Body => ({ partyId: of[`${kind}Id`] });
    const change: Row =
      kind === 'institution'
        ? { ofSystem: (of) => ({ ...names(of), name: 'x' }) }
        : { names: (of) => ({ ...names(of), name: 'x' }) };
    const act: Row = kind === 'institution' ? { ofSystem: names } : { names };
    rows[`operator.${kind}.get`] = { names };
    rows[`operator.${kind}.change`] = change;
    rows[`operator.${kind}.suspend`] = act;
    rows[`operator.${kind}.resume`] = act;
    rows[`operator.${kind}.list`] = {
      lists: (of) => ({ institutionId: of.institutionId }),
    };
    if (kind === 'merchant' || kind === 'operator') continue;
    rows[`operator.${kind}.limits`] = { names };
    rows[`operator.${kind}.limit`] = act;
  }
  return rows;
}

export const OPERATOR_ROUTES: Readonly<Record<string, Row>> = {
  ...ofParties(),
  ...ofCodes(),
  ...Object.fromEntries(Object.entries(ofBills).map(([id, row]) => [`operator.${id}`, row])),
  'operator.institution.add': { ofSystem: () => ({ name: 'x' }) },
  'operator.merchant.add': {
    names: (of) => ({ institutionId: of.institutionId, name: 'x', city: 'y' }),
  },
  'operator.terminal.add': { names: (of) => ({ merchantId: of.merchantId, name: 'x' }) },
  'operator.paychannel.add': {
    names: (of) => ({ institutionId: of.institutionId, name: 'x' }),
  },
  'operator.operator.add': {
    names: (of) => ({ role: 'institutionViewer', institutionId: of.institutionId, name: 'x' }),
  },
  'operator.key.add': { names: (of) => ({ holder: { kind: 'terminal', id: of.terminalId } }) },
  'operator.key.list': { lists: (of) => ({ holderId: of.terminalId }) },
  'operator.key.get': { names: (of) => ({ keyId: of.keyId }) },
  'operator.key.revoke': { names: (of) => ({ keyId: of.keyId }) },
  'operator.agreement.add': {
    ofSystem: (of) => ({
      billingInstitutionId: of.institutionId,
      payingInstitutionId: 'ins_none',
    }),
  },
  'operator.agreement.list': { lists: (of) => ({ institutionId: of.institutionId }) },
  'operator.agreement.get': { names: (of) => ({ agreementId: of.agreementId }) },
  'operator.agreement.end': { ofSystem: (of) => ({ agreementId: of.agreementId }) },
  'operator.tariff.list': { lists: (of) => ({ merchantId: of.merchantId }) },
  'operator.tariff.get': { names: tariff },
  'operator.tariff.put': { names: (of) => ({ ...tariff(of), ...FREE_TARIFF }) },
  'operator.tariff.end': { names: tariff },
  'operator.credit.get': { names: credit },
  'operator.credit.request': { names: credit },
  'operator.credit.close': { names: (of) => ({ ...credit(of), reference: 'T1' }) },
  'operator.webhook.add': {
    names: (of) => ({ holderId: of.terminalId, url: 'https://receiver.invalid/' }),
  },
  'operator.webhook.list': { lists: (of) => ({ holderId: of.terminalId }) },
  'operator.webhook.get': { names: webhook },
  'operator.webhook.rotate': { names: webhook },
  'operator.webhook.test': { names: webhook },
  'operator.webhook.remove': { names: webhook },
  'operator.webhook.deadLetters': { names: webhook },
  'operator.webhook.resend': { names: webhook },
  'operator.audit': { ofSystem: () => ({}) },
  'operator.bill.list': { lists: (of) => ({ merchantId: of.merchantId }) },
  'operator.bill.events': { names: bill },
  'operator.bill.timeline': { names: bill },
  'operator.payer.list': { names: bill },
  'operator.payer.erase': { names: ofPayment },
  'operator.payment.list': { lists: (of) => ({ paychannelId: of.paychannelId }) },
  'operator.credit.list': { lists: (of) => ({ paymentRef: of.paymentRef }) },
  'operator.paying.payments': { lists: (of) => ({ paychannelId: of.paychannelId }) },
  'operator.paying.credits': { lists: () => ({}) },
  'operator.event.resend': { names: (of) => ({ eventId: of.eventId }) },
  'operator.event.resendAll': { lists: (of) => ({ terminalId: of.terminalId }) },
  'operator.event.list': { lists: (of) => ({ terminalId: of.terminalId }) },
};

/** Operations of WebSockets go by the names of their calls, but for these. */
export const SOCKET_ONLY: Readonly<Record<string, Row>> = {
  'event.ack': { lists: (of) => ({ ids: [of.eventId] }) },
  ping: { own: 'names nothing' },
};
