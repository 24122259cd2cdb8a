// What the answers to a lifecycle's calls must say.

import type { Wire } from './wire.ts';

export interface Sale {
  readonly amount: number;
  readonly billId: string;
}

const BILL_ID_LENGTH = 26;

/** The new bill's id; '' where the answer is not what it must be. */
export function billCreated(
  wire: Wire,
  amount: number,
  status: number,
  text: string,
  bodyAt: number,
): string {
  const idAt = wire.find(text, 'id', bodyAt);
  const statusAt = wire.find(text, 'status', idAt);
  const amountAt = wire.find(text, 'amount', statusAt);
  const dueAt = wire.find(text, 'due', amountAt);
  const billId = wire.textAt(text, idAt);
  const isRight =
    status === 201 &&
    billId.length === BILL_ID_LENGTH &&
    wire.textAt(text, statusAt) === 'open' &&
    wire.numberAt(text, amountAt) === amount &&
    wire.numberAt(text, dueAt) === amount;
  return isRight ? billId : '';
}

export function isView(
  wire: Wire,
  sale: Sale,
  status: number,
  text: string,
  bodyAt: number,
): boolean {
  const dueAt = wire.find(text, 'due', bodyAt);
  const payableAt = wire.find(text, 'payable', dueAt);
  return (
    status === 200 &&
    wire.textAt(text, wire.find(text, 'id', bodyAt)) === sale.billId &&
    wire.numberAt(text, dueAt) === sale.amount &&
    wire.isTrueAt(text, payableAt)
  );
}

export function isPayment(
  wire: Wire,
  sale: Sale,
  status: number,
  text: string,
  bodyAt: number,
): boolean {
  const billAt = wire.find(text, 'bill', bodyAt);
  // From the amount on: before it stands the status, whose value is the same word.
  const paidAt = wire.find(text, 'paid', wire.find(text, 'amount', billAt));
  return (
    status === 201 &&
    wire.textAt(text, wire.find(text, 'id', billAt)) === sale.billId &&
    wire.textAt(text, wire.find(text, 'status', billAt)) === 'paid' &&
    wire.numberAt(text, paidAt) === sale.amount &&
    wire.numberAt(text, wire.find(text, 'due', paidAt)) === 0
  );
}

export function isConfirmation(
  wire: Wire,
  sale: Sale,
  status: number,
  text: string,
  bodyAt: number,
): boolean {
  const idAt = wire.find(text, 'id', bodyAt);
  const statusAt = wire.find(text, 'status', idAt);
  const confirmedAt = wire.find(text, 'confirmed', wire.find(text, 'paid', statusAt));
  return (
    status === 200 &&
    wire.textAt(text, idAt) === sale.billId &&
    wire.textAt(text, statusAt) === 'confirmed' &&
    wire.numberAt(text, confirmedAt) === sale.amount
  );
}

export function isAcknowledgement(
  wire: Wire,
  status: number,
  text: string,
  bodyAt: number,
): boolean {
  const count = wire.numberAt(text, wire.find(text, 'acknowledged', bodyAt));
  return status === 200 && count === 1;
}

/** An event's own id and its bill's. */
export function eventIds(wire: Wire, text: string): { id: string; billId: string } {
  const idAt = wire.find(text, 'id', 0);
  const billAt = wire.find(text, 'billId', idAt);
  return { id: wire.textAt(text, idAt), billId: wire.textAt(text, billAt) };
}

/** Whether an event says that all of this sale has been paid. */
export function saysPaid(wire: Wire, sale: Sale, text: string): boolean {
  const typeAt = wire.find(text, 'type', wire.find(text, 'id', 0));
  const amountAt = wire.find(text, 'amount', wire.find(text, 'billId', typeAt));
  const paidAt = wire.find(text, 'paid', amountAt);
  const dueAt = wire.find(text, 'due', paidAt);
  return (
    wire.textAt(text, typeAt) === 'bill.paid' &&
    wire.numberAt(text, amountAt) === sale.amount &&
    wire.numberAt(text, paidAt) === sale.amount &&
    wire.numberAt(text, dueAt) === 0
  );
}
