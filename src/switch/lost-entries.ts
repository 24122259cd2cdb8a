// What a former owner had committed and history did not have yet, its successor brings there out of the log. A log that
// failed over may have lost some of it: the successor never saw it, and the former owner, while it runs, has the only
// copy. So it looks whether history went on without any of it, and tells what people need to mend that.

import { isPresent, type PresentBill } from '../domain/bill/state.ts';
import type { Touched } from '../domain/bill/touched.ts';
import type { ShardId } from '../domain/ids.ts';
import { type EntryId, formatEntryId } from './entry-id.ts';
import { isDefect } from './failures.ts';
import { transitionOf } from './fold.ts';
import type { CommittedEntry, CommittedItem, Unwritten } from './history-queue.ts';
import type { History } from './ports.ts';

/** What is told of a transition: by whom and when, what of money; no key and nothing of a person. */
export type LostTransition = Readonly<Record<string, string | number>>;

/**
 * Waits until history has gone beyond what a former owner left. Resolves with the entries that it went on without: each
 * that it has leaves a line for each transition.
 */
export async function findLost(
  given: {
    readonly shard: ShardId;
    readonly history: History;
    readonly pause: () => Promise<void>;
    readonly failed: (error: unknown) => void;
  },
  { watermark, entries }: Unwritten,
): Promise<CommittedEntry[]> {
  const { shard, history, pause, failed } = given;
  const asked = entries.filter((entry) => tell(shard, entry).length > 0);
  if (asked.length === 0) return [];
  // It stands at one of these while a successor, or a statement of ours that was under way, is still bringing them.
  const own = new Set(entries.slice(0, -1).map(({ entry }) => entry));
  for (;;) {
    try {
      const found = await history.fetchEntries(
        shard,
        asked.map(({ entry }) => entry),
      );
      if (found.watermark > watermark && !own.has(found.watermark)) {
        return asked.filter(({ entry }) => !found.entries.has(entry));
      }
    } catch (error) {
      if (isDefect(error)) throw error;
      failed(error);
    }
    await pause();
  }
}

/** The transitions of an entry, for people. */
export function tell(shard: ShardId, { entry, items }: CommittedEntry): LostTransition[] {
  return items.flatMap((item, no) => {
    const told = tellItem(item, { shard, entry }, no);
    return told === null ? [] : [{ shard, entry: formatEntryId(entry), no, ...told }];
  });
}

function tellItem(
  item: CommittedItem,
  place: { shard: ShardId; entry: EntryId },
  no: number,
): LostTransition | null {
  if (item.kind === 'order') {
    const { terminalId, orderId, at, actor, requestId } = item.transition;
    const type = 'ResolveOrder';
    return { terminalId, orderId, type, outcome: 'OrderVoided', at, actor, requestId };
  }
  const { after, touched } = item;
  const line = transitionOf(item, place, no);
  if (line === null || !isPresent(after)) return null;
  const { version, type, outcome, at, actor, requestId } = line;
  const { id: bill, terminalId, orderId, amount, currency } = after.terms;
  const { paid, confirmed } = after.books;
  return {
    ...{ bill, terminalId, orderId, version, type, outcome, at, actor, requestId },
    ...{ status: after.status, amount, currency, paid, confirmed },
    payments: paymentsOf(after, touched),
    credits: creditsOf(after, touched),
  };
}

function paymentsOf({ payments }: PresentBill, touched: Touched): string {
  const taken = payments.filter(({ no }) => touched.payments.includes(no));
  return [
    ...taken.map(
      ({ no, status, amount, tip = 0, paychannelId, paymentRef }) =>
        `${no} ${status} ${amount}+${tip} ${paychannelId} ${paymentRef}`,
    ),
    ...touched.refused.map(
      ({ no, amount, tip = 0, paychannelId, paymentRef }) =>
        `${no} refused ${amount}+${tip} ${paychannelId} ${paymentRef}`,
    ),
  ].join('; ');
}

function creditsOf({ credits }: PresentBill, touched: Touched): string {
  return credits
    .filter(({ no }) => touched.credits.includes(no))
    .map(
      ({ no, kind, status, amount, paychannelId, paymentRef }) =>
        `${no} ${kind} ${status} ${amount} ${paychannelId} ${paymentRef}`,
    )
    .join('; ');
}
