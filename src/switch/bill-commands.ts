// From what is asked of a bill to what the domain is told.

import { unreachable } from '../domain/assert.ts';
import type { Actor, BillCommand, CommandOf, Recipient } from '../domain/bill/vocabulary.ts';
import type { PaychannelId } from '../domain/ids.ts';
import type { Principal } from './principal.ts';
import type { Operation } from './requests.ts';
import { stickerCommand } from './sticker-operations.ts';

/** Operations that name a bill by its id. */
export type BillOperation = Exclude<
  Operation,
  { op: 'bill.create' | 'order.resolve' | 'order.get' | 'order.check' }
>;

const SWITCH: Actor = { kind: 'switch', id: 'timer' };

/** Who acts, in the domain’s words. */
export function actorOf(principal: Principal | null): Actor {
  return principal === null ? SWITCH : { kind: principal.kind, id: principal.id };
}

/** The command that an operation stands for; null where it only reads. */
export function commandOf(
  operation: BillOperation,
  principal: Principal | null,
): BillCommand | null {
  switch (operation.op) {
    case 'bill.get':
    case 'bill.view':
    case 'bill.page':
    case 'payment.get':
    case 'credit.get':
    case 'sticker.get':
      return null;
    case 'bill.arm':
    case 'sticker.end':
      return stickerCommand(operation);
    case 'bill.confirm':
    case 'bill.cancel':
    case 'order.cancel':
    case 'bill.refund':
    case 'bill.receipt':
    case 'payment.confirm':
    case 'payment.cancel':
    case 'payment.refund':
      return sellerCommand(operation, actorOf(principal));
    case 'bill.reserve':
    case 'bill.release':
    case 'payment.create':
    case 'payment.void':
    case 'credit.settle':
      return payerCommand(operation, principal);
    case 'credit.request':
      return {
        type: 'RequestCreditAgain',
        by: actorOf(principal),
        creditNo: operation.creditNo,
      };
    case 'credit.close': {
      const { creditNo, reference } = operation;
      return { type: 'CloseCredit', creditNo, reference };
    }
    case 'acquiring.begin':
      return { type: 'BeginAcquiring', acquirer: operation.acquirer };
    case 'acquiring.finish': {
      const { acquirer, no, step, outcome } = operation;
      return { type: 'FinishAcquiring', acquirer, no, step, outcome };
    }
    case 'event.resend':
      return { type: 'ResendEvents', events: operation.events };
    case 'event.ack': {
      const { kind, id } = actorOf(principal);
      const recipient: Recipient = `${kind === 'paychannel' ? kind : 'terminal'}:${id}`;
      return { type: 'AcknowledgeEvents', recipient, nos: operation.nos };
    }
    default:
      return unreachable(operation);
  }
}

type SellerOperation = Extract<
  BillOperation,
  {
    op:
      | 'bill.confirm'
      | 'bill.cancel'
      | 'order.cancel'
      | 'bill.refund'
      | 'bill.receipt'
      | 'payment.confirm'
      | 'payment.cancel'
      | 'payment.refund';
  }
>;

/** What a terminal, merchant or operator may command. */
function sellerCommand(operation: SellerOperation, by: Actor): BillCommand {
  switch (operation.op) {
    case 'bill.confirm':
      return { type: 'ConfirmBill', by, amount: operation.amount, receipt: operation.receipt };
    case 'bill.cancel': {
      const { amount, key, digest } = operation;
      return { type: 'CancelBill', by, amount, key, digest, onlyIfUnpaid: false };
    }
    case 'order.cancel':
      return { type: 'CancelBill', by, amount: null, key: null, digest: '', onlyIfUnpaid: true };
    case 'bill.refund': {
      const { amount, paymentNo, reason, receipt, key, digest, returnsTip } = operation;
      const order = { amount, paymentNo, reason, receipt, key, digest, returnsTip };
      return { type: 'RefundBill', by, ...order };
    }
    case 'bill.receipt':
      return { type: 'AttachReceipt', receipt: operation.receipt };
    case 'payment.confirm': {
      const { paymentNo, amount } = operation;
      return { type: 'ConfirmPayment', by, paymentNo, amount };
    }
    case 'payment.cancel': {
      const { paymentNo, amount, key, digest } = operation;
      return { type: 'CancelPayment', by, paymentNo, amount, key, digest };
    }
    case 'payment.refund': {
      const { paymentNo, amount, reason, key, digest, returnsTip } = operation;
      const order = { amount, paymentNo, reason, receipt: null, key, digest, returnsTip };
      return { type: 'RefundBill', by, ...order };
    }
    default:
      return unreachable(operation);
  }
}

/** Few payments have a quote or a tip: the command of the others has no place for them. */
function withWhatIsRare(
  pay: CommandOf<'PayBill'>,
  { quote, tip }: Extract<PayerOperation, { op: 'payment.create' }>,
): CommandOf<'PayBill'> {
  const quoted = quote === undefined ? pay : { ...pay, quote };
  return tip === undefined ? quoted : { ...quoted, tip };
}

type PayerOperation = Extract<
  BillOperation,
  { op: 'bill.reserve' | 'bill.release' | 'payment.create' | 'payment.void' | 'credit.settle' }
>;

/** What a paychannel may command. */
function payerCommand(operation: PayerOperation, principal: Principal | null): BillCommand {
  const paychannelId = (principal?.id ?? '') as PaychannelId;
  switch (operation.op) {
    case 'bill.reserve': {
      const { reservationRef, digest, amount, quote } = operation;
      const hold = { type: 'ReserveBill', paychannelId, reservationRef, digest, amount } as const;
      return quote === undefined ? hold : { ...hold, quote };
    }
    case 'bill.release':
      return { type: 'ReleaseReservation', paychannelId, reservationNo: operation.reservationNo };
    case 'payment.create': {
      const pay = {
        type: 'PayBill',
        paychannelId,
        paymentRef: operation.paymentRef,
        digest: operation.digest,
        amount: operation.amount,
        currency: operation.currency,
        reservationNo: operation.reservationNo,
        method: operation.method,
        payer: operation.payer,
        paidAt: operation.paidAt,
        subscribed: principal?.subscribed ?? false,
        institutionId: principal?.institutionId,
      } as const;
      return withWhatIsRare(pay, operation);
    }
    case 'payment.void':
      return { type: 'VoidPayment', paychannelId, paymentRef: operation.paymentRef };
    case 'credit.settle': {
      const { creditNo, status, reference, reason } = operation;
      return { type: 'SettleCredit', paychannelId, creditNo, status, reference, reason };
    }
    default:
      return unreachable(operation);
  }
}
