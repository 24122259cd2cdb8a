// What operators are answered about labels of payers.

import { parseBillId, parsePartId, partId } from '../../domain/ids.ts';
import { Fault } from '../../switch/faults.ts';
import { mayDo } from '../../switch/operator-desk.ts';
import type { Problem } from '../problem-document.ts';
import type { OperatorRequestBody } from '../schemas/operator.ts';
import { reachedBy } from './lists.ts';
import type { Answering, Asked } from './operator-answers.ts';
import type { OperatorOptions } from './options.ts';

const UNKNOWN: Problem = { code: 'bill.notFound' };
const LOOK_MS = 20;
const WRITTEN_WITHIN_MS = 5_000;

export function payerAnswers(options: OperatorOptions) {
  const { payerDesk, payers, door } = options;
  const billOf = ({ params }: Asked) => parseBillId(params.billId ?? '');
  return {
    list: async (asked) => {
      const billId = billOf(asked);
      if (billId === undefined) return UNKNOWN;
      await written(options);
      const kept = await payerDesk.show(asked.acting, billId);
      if (kept === null) return UNKNOWN;
      const items = kept.map(({ paymentNo, place, payer }) => ({
        paymentId: partId(billId, 'p', paymentNo),
        payer: payer === null ? null : payers.open(payer, place),
      }));
      return { status: 200, body: { items } };
    },
    erase: async (asked) => {
      const billId = billOf(asked);
      const { paymentId } = asked.body as OperatorRequestBody<'operator.payer.erase'>;
      const payment = paymentId === undefined ? null : parsePartId(paymentId, 'p');
      if (billId === undefined || payment === undefined) return UNKNOWN;
      if (payment !== null && payment.billId !== billId) return UNKNOWN;
      await written(options);
      const erased = await payerDesk.erase(asked.acting, {
        billId,
        paymentNo: payment?.no ?? null,
      });
      return erased === null ? UNKNOWN : { status: 200, body: { erased } };
    },
  } satisfies Record<string, Answering>;

  /** What was paid before the call must stand in history, or it would come there after the call. */
  async function written({ clock }: OperatorOptions): Promise<void> {
    const askedAt = clock.wall();
    const until = clock.monotonic() + WRITTEN_WITHIN_MS;
    while ((await reachedBy(door)) < askedAt) {
      if (clock.monotonic() > until) {
        throw new Fault('history.unavailable', 'history is behind: a payment may be missing in it');
      }
      await new Promise<void>((resolve) => clock.after(LOOK_MS, resolve));
    }
  }
}

/** Who sees personal data, or erases it: whoever answers for the institution. */
export function maySeePayers({ operator }: Pick<Asked, 'operator'>): boolean {
  return mayDo(operator, 'change', 'paychannel');
}
