// Load with a memory: customers who buy one thing after another until the switch is gone, and who know what they were
// told, what they never heard back, and with which references to ask again.

import { setTimeout as pause } from 'node:timers/promises';
import { type Answer, type Body, fresh, Lost, type Op, type Party } from './client.ts';

/** A call that was answered. */
export interface Told {
  readonly op: Op;
  readonly body: Body;
  readonly answer: unknown;
}

const AMOUNT = 1000;
/** Sooner than a switch that says no tells anybody to come back. */
const AGAIN_MS = 20;

export class Customer {
  /** Every change that was acknowledged. */
  readonly told: Told[] = [];
  /** Bills of which a payment was acknowledged that left nothing due. */
  readonly paid: string[] = [];
  /** How often an answer was lost on its way. */
  lost = 0;
  readonly #paceMs: number;
  #isStopping = false;
  /** Where it stands: kept over a crash, so that the next run asks again with the same references. */
  #orderId = fresh('load');
  #billId = '';
  #step = 0;

  /** `paceMs`: how long they think before each step. */
  constructor({ paceMs = 0 }: { readonly paceMs?: number } = {}) {
    this.#paceMs = paceMs;
  }

  /** Buys until an answer is lost or `stop` is called. */
  async run(till: Party, wallet: Party): Promise<void> {
    this.#isStopping = false;
    await this.#buy(till, wallet);
  }

  /** Buys until `stop` is called: what was not done, or may have been, is asked again with the same references. */
  async insist(till: Party, wallet: Party): Promise<void> {
    this.#isStopping = false;
    while (!this.#isStopping) {
      await this.#buy(till, wallet);
      if (!this.#isStopping) await pause(AGAIN_MS);
    }
  }

  async #buy(till: Party, wallet: Party): Promise<void> {
    while (!this.#isStopping) {
      if (this.#paceMs > 0) await pause(this.#paceMs);
      try {
        await this.#next(till, wallet);
      } catch (error) {
        if (!(error instanceof Lost)) throw error;
        this.lost += 1;
        return;
      }
    }
  }

  stop(): void {
    this.#isStopping = true;
  }

  /** What is told again differs from what was told: one line each. */
  async contradictions(till: Party, wallet: Party): Promise<string[]> {
    const found = await Promise.all(
      this.told.map(async ({ op, body, answer }) => {
        const again = await answered(op === 'payment.create' ? wallet : till, op, body);
        const told = answer as { id?: string; confirmed?: number };
        const now = again.body as { id?: string; confirmed?: number };
        const isSame =
          again.status === 200 &&
          (op === 'payment.create'
            ? JSON.stringify(now) === JSON.stringify(told)
            : now.id === told.id && (op !== 'bill.confirm' || now.confirmed === told.confirmed));
        return isSame
          ? null
          : `${op} ${JSON.stringify(body)}: ${JSON.stringify(answer)}, then ${again.status} ${JSON.stringify(now)}`;
      }),
    );
    return found.filter((line) => line !== null);
  }

  async #next(till: Party, wallet: Party): Promise<void> {
    const billId = this.#billId;
    switch (this.#step) {
      case 0: {
        const order = { orderId: this.#orderId, amount: AMOUNT, currency: 'EUR' };
        this.#billId = ((await this.#tell(till, 'bill.create', order)) as { id: string }).id;
        break;
      }
      case 1:
        await this.#tell(wallet, 'payment.create', payment(billId, 'p-1', 400));
        break;
      case 2:
        await this.#tell(wallet, 'payment.create', payment(billId, 'p-2', 600));
        this.paid.push(billId);
        break;
      default:
        await this.#tell(till, 'bill.confirm', { billId, amount: 900 });
        this.#orderId = fresh('load');
        this.#billId = '';
        this.#step = -1;
    }
    this.#step += 1;
  }

  async #tell(party: Party, op: Op, body: Body): Promise<unknown> {
    const { status, body: answer }: Answer = await party.ask(op, body);
    // Not done, or nobody knows: asked again by the next run.
    if (status === 503 || status === 504) throw new Lost(`${op} answered ${status}`);
    if (status >= 300) throw new Error(`${op} was answered ${status}: ${JSON.stringify(answer)}`);
    this.told.push({ op, body, answer });
    return answer;
  }
}

/** Not done, or not known: a busy machine says so now and then, and whoever asks has to ask again. */
async function answered(party: Party, op: Op, body: Body): Promise<Answer> {
  for (;;) {
    const answer = await party.ask(op, body);
    if (answer.status !== 503 && answer.status !== 504) return answer;
    await pause(AGAIN_MS);
  }
}

function payment(billId: string, paymentRef: string, amount: number): Body {
  return { billId, paymentRef, amount, currency: 'EUR' };
}
