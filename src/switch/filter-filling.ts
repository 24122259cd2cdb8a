// The filter of a shard's orders is filled from history once it serves; until it is complete every unknown order is asked
// (A9).

import { millis } from '../domain/time.ts';
import { FILTER_SPAN_MS } from './order-filter.ts';
import type { History, OrderPage } from './ports.ts';
import type { Shard } from './shard.ts';

/** Tries until it is complete, or the shard has been left. */
export async function fillFilter(given: {
  readonly shard: Pick<Shard, 'id' | 'now' | 'orders'>;
  readonly history: Pick<History, 'scanOrders'>;
  readonly isVoid: () => boolean;
  readonly pause: () => Promise<void>;
  readonly failed: (error: unknown) => void;
}): Promise<void> {
  const { shard, history, isVoid, pause, failed } = given;
  // By the shard's own time: the machine's may have jumped.
  let since = millis(Math.max(0, shard.now() - FILTER_SPAN_MS));
  const remember: OrderPage = (orders) => {
    if (isVoid()) return false;
    for (const { terminalId, orderId, at } of orders) {
      shard.orders.remember(terminalId, orderId, at);
    }
    since = orders.at(-1)?.at ?? since;
    return true;
  };
  while (!isVoid()) {
    try {
      await history.scanOrders(shard.id, since, remember);
      if (!isVoid()) shard.orders.filterIsComplete();
      return;
    } catch (error) {
      failed(error);
      await pause();
    }
  }
}
