// Lies about what was paid and given back at banks.

import type { BookEntry } from '../../src/simulators/control.ts';
import { type Copy, first, remove, type Tampering } from './tampering.ts';

const BILL_ID = 26;

export const tamperingsOfBanks: readonly Tampering[] = [
  {
    what: 'a payer has paid at a bank, and the switch does not know',
    with: (copy) => {
      const { id } = paidBill(copy);
      remove(copy.rows.payments, (row) => row.bill_id === id && row.status !== 'refused');
    },
    found: 'banks',
  },
  {
    what: 'what was paid at a bank once stands here twice',
    with: (copy) => {
      const { id } = paidBill(copy);
      const row = first(copy.rows.payments.filter((each) => each.bill_id === id));
      copy.rows.payments.push({ ...row, no: 99 });
    },
    found: 'banks',
  },
  {
    what: 'a bill has two codes at its bank, and both are paid',
    with: (copy) =>
      change(
        copy,
        (entry) => entry.paid > 0,
        (entry) => [entry, entry],
      ),
    found: 'banks',
  },
  {
    what: 'a refund was made at a bank twice',
    with: (copy) => {
      const isMeant = ({ refunds }: BookEntry): boolean => refunds.some(({ by }) => by === 'api');
      change(copy, isMeant, (entry) => {
        const again = first(entry.refunds.filter(({ by }) => by === 'api'));
        const returned = entry.returned + again.amount;
        return [{ ...entry, returned, refunds: [...entry.refunds, again] }];
      });
    },
    found: 'banks',
  },
  {
    what: 'a refund that is settled here was never made',
    with: (copy) => {
      const isMeant = ({ refunds }: BookEntry): boolean => refunds.some(({ by }) => by === 'api');
      change(copy, isMeant, (entry) => [{ ...entry, returned: 0, refunds: [] }]);
    },
    found: 'banks',
  },
  {
    what: 'what was given back by hand was not found',
    with: ({ rows }) => remove(rows.credits, ({ origin }) => origin === 'external'),
    found: 'banks',
  },
  {
    what: 'what the till has asked for stands here as given back by hand',
    with: ({ rows, memory }) => {
      const atBank = new Set(
        memory.banks.flatMap(({ entries }) => entries.map(({ order }) => order.slice(0, BILL_ID))),
      );
      const isMeant = (credit: Copy['rows']['credits'][number]): boolean =>
        atBank.has(credit.bill_id) && credit.status === 'settled' && credit.origin === null;
      first(rows.credits.filter(isMeant)).origin = 'external';
    },
    found: 'banks',
  },
  {
    what: 'a bill waits for its bank for ever',
    with: (copy) => {
      paidBill(copy).status = 'pending';
    },
    found: 'banks',
  },
  {
    what: 'a credit waits for its bank for ever',
    with: ({ rows }) => {
      first(rows.credits.filter(({ origin }) => origin === 'external')).status = 'pending';
    },
    found: 'banks',
  },
  {
    what: 'a bank has an order that nobody made',
    with: (copy) =>
      change(
        copy,
        () => true,
        (entry) => [entry, { ...entry, order: `00000000000000000000000000-1`, paid: 0 }],
      ),
    found: 'banks',
  },
  {
    what: 'a bill that has ended can still be paid at its bank',
    with: (copy) => {
      const { id } = paidBill(copy);
      first(copy.rows.bills.filter((bill) => bill.id === id)).status = 'cancelled';
      change(
        copy,
        ({ order }) => order.slice(0, BILL_ID) === id,
        (entry) => [{ ...entry, status: 'CREATED' }],
      );
    },
    found: 'banks',
  },
];

/** One that a payer has paid at its bank, with a code that its till was given. */
function paidBill({ rows, memory }: Copy): Copy['rows']['bills'][number] {
  const paid = new Set(
    memory.banks.flatMap(({ entries }) =>
      entries.filter((entry) => entry.paid > 0).map(({ order }) => order.slice(0, BILL_ID)),
    ),
  );
  return first(rows.bills.filter(({ id }) => paid.has(id)));
}

/** Puts other entries in the place of the first that is meant. */
function change(
  { memory }: Copy,
  isMeant: (entry: BookEntry) => boolean,
  to: (entry: BookEntry) => BookEntry[],
): void {
  const meant = first(memory.banks.flatMap(({ entries }) => entries.filter(isMeant)));
  memory.banks = memory.banks.map(({ acquirer, entries }) => ({
    acquirer,
    entries: entries.flatMap((entry) => (entry === meant ? to(entry) : [entry])),
  }));
}
