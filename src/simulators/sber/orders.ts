// The simulated bank's books: orders, and the operations on them ("Плати QR" v3).
//
//   CREATED > (ON_PAYMENT >) PAID > (ON_PAYMENT >) REFUNDED, REVERSED
//    └ REVOKED
//
// REFUNDED and REVERSED say nothing of how much: that stands in the operations. A reversal is allowed once, within a day,
// and nothing after it; a code of SBP has none.

import type { SimulatorClock } from '../clock.ts';
import { dynamicLink } from '../nspk-link.ts';
import type { SeededRandom } from '../random.ts';
import { refuse, type SberErrorCode, type SberRefusal } from './errors.ts';
import type { SberSettings } from './settings.ts';

export type SberState = 'CREATED' | 'ON_PAYMENT' | 'PAID' | 'REVERSED' | 'REFUNDED' | 'REVOKED';

export interface SberOperation {
  readonly operationId: string;
  readonly type: 'PAY' | 'REVERSE' | 'REFUND';
  readonly at: number;
  readonly sum: number;
  readonly rrn: string;
  readonly authCode: string;
  /** `00`: it was successful. */
  readonly responseCode: string;
  readonly by: 'api' | 'hand' | 'payer';
}

export interface SberOrder {
  readonly orderId: string;
  readonly orderNumber: string;
  readonly idQr: string;
  readonly tid: string;
  readonly sum: number;
  readonly currency: string;
  readonly createdAt: number;
  readonly isSbp: boolean;
  readonly formUrl: string;
  state: SberState;
  readonly operations: SberOperation[];
}

export type NewOrder = Pick<
  SberOrder,
  'orderNumber' | 'idQr' | 'tid' | 'sum' | 'currency' | 'isSbp'
>;

type NewOperation = Pick<SberOperation, 'type' | 'sum' | 'responseCode' | 'by'>;

const SBER_MEMBER = '100000000111';
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

export interface OrdersOptions {
  readonly settings: SberSettings;
  readonly clock: SimulatorClock;
  readonly random: SeededRandom;
  readonly changed: (order: SberOrder, operation: SberOperation) => void;
}

export class SberOrders {
  readonly #options: OrdersOptions;
  readonly #byId = new Map<string, SberOrder>();
  readonly #byNumber = new Map<string, SberOrder[]>();
  #refusals: SberErrorCode[] = [];

  constructor(options: OrdersOptions) {
    this.#options = options;
  }

  get all(): SberOrder[] {
    return [...this.#byId.values()];
  }

  find(orderId: string): SberOrder | undefined {
    return this.#byId.get(orderId);
  }

  ofNumber(orderNumber: string): readonly SberOrder[] {
    return this.#byNumber.get(orderNumber) ?? [];
  }

  refuseRefunds(code: SberErrorCode, count: number): void {
    for (let i = 0; i < count; i++) this.#refusals.push(code);
  }

  create(facts: NewOrder): SberOrder {
    const { clock, random, settings } = this.#options;
    const orderId = random.uuid();
    const order: SberOrder = {
      ...facts,
      orderId,
      createdAt: clock.wall(),
      formUrl: facts.isSbp
        ? dynamicLink({ tail: random.letters(28), bank: SBER_MEMBER, sumKopecks: facts.sum })
        : `https://sberbank.ru/qr/?dynamicQr=${orderId}`,
      state: 'CREATED',
      operations: [],
    };
    this.#byId.set(orderId, order);
    this.#byNumber.set(facts.orderNumber, [...this.ofNumber(facts.orderNumber), order]);
    if (settings.paysByItself) clock.after(MINUTE_MS, () => void this.pay(order));
    return order;
  }

  pay(order: SberOrder): SberRefusal | undefined {
    if (order.state !== 'CREATED') return refuse('080000');
    const { clock, settings } = this.#options;
    if (order.isSbp && settings.sbpConfirmMs > 0) {
      order.state = 'ON_PAYMENT';
      clock.after(settings.sbpConfirmMs, () => this.#paid(order));
      return undefined;
    }
    this.#paid(order);
    return undefined;
  }

  /** The state stays as it is: CREATED also means that attempts have failed. */
  failAttempt(order: SberOrder): SberRefusal | undefined {
    if (order.state !== 'CREATED') return refuse('080000');
    this.#operate(order, { type: 'PAY', sum: order.sum, responseCode: '51', by: 'payer' });
    return undefined;
  }

  revoke(order: SberOrder): SberRefusal | undefined {
    if (order.state === 'REVOKED') return undefined;
    if (order.state !== 'CREATED') return refuse('080000');
    order.state = 'REVOKED';
    return undefined;
  }

  /** Gives back; the operation that it was, or why there is none. */
  giveBack(
    order: SberOrder,
    { type, sum, by }: { type: 'REVERSE' | 'REFUND'; sum: number; by: 'api' | 'hand' },
  ): SberOperation | SberRefusal {
    const refused = this.#refusalOf(order, type, sum);
    if (refused !== undefined) return refuse(refused);
    const code = by === 'api' ? this.#refusals.shift() : undefined;
    if (code !== undefined) {
      // PAID also means that attempts to give back have failed.
      this.#operate(order, { type, sum, responseCode: '05', by });
      return refuse(code);
    }
    const { clock, settings } = this.#options;
    const operation = this.#operationOf({ type, sum, responseCode: '00', by });
    const end = () => {
      order.state = type === 'REVERSE' ? 'REVERSED' : 'REFUNDED';
      this.#list(order, operation);
    };
    if (order.isSbp && settings.sbpRefundConfirmMs > 0) {
      order.state = 'ON_PAYMENT';
      clock.after(settings.sbpRefundConfirmMs, end);
    } else end();
    return operation;
  }

  #refusalOf(order: SberOrder, type: 'REVERSE' | 'REFUND', sum: number): SberErrorCode | undefined {
    const payment = paymentOf(order);
    if (payment === undefined) return '090000';
    if (order.state === 'REVERSED' || order.state === 'ON_PAYMENT') return '080000';
    if (sum === 0) return '110000';
    if (sum > payment.sum - returnedOf(order)) return '070000';
    if (type === 'REFUND') return undefined;
    if (order.isSbp || order.state === 'REFUNDED') return '040000';
    return this.#options.clock.wall() > payment.at + DAY_MS ? '170000' : undefined;
  }

  #paid(order: SberOrder): void {
    order.state = 'PAID';
    this.#operate(order, { type: 'PAY', sum: order.sum, responseCode: '00', by: 'payer' });
  }

  #operate(order: SberOrder, facts: NewOperation): SberOperation {
    const operation = this.#operationOf(facts);
    this.#list(order, operation);
    return operation;
  }

  #operationOf(facts: NewOperation): SberOperation {
    const { clock, random } = this.#options;
    return {
      ...facts,
      operationId: random.hex(32).toUpperCase(),
      at: clock.wall(),
      rrn: random.digits(12),
      authCode: random.digits(6),
    };
  }

  #list(order: SberOrder, operation: SberOperation): void {
    order.operations.push(operation);
    this.#options.changed(order, operation);
  }
}

export function paymentOf(order: SberOrder): SberOperation | undefined {
  return order.operations.find(({ type, responseCode }) => type === 'PAY' && responseCode === '00');
}

export function returnedOf(order: SberOrder): number {
  return order.operations
    .filter(({ type, responseCode }) => type !== 'PAY' && responseCode === '00')
    .reduce((sum, operation) => sum + operation.sum, 0);
}
