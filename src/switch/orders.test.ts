import { expect, test } from 'vitest';
import type { Reference, TerminalId } from '../domain/ids.ts';
import { Orders } from './orders.ts';
import type { Asked } from './reply-sink.ts';

test('an order has room for so many requests that wait for history', () => {
  const orders = new Orders({ mailboxMax: 2, filterOrdersMax: 10 });
  const cell = orders.add('ter_1' as TerminalId, 'order-1' as Reference);
  const asked = {} as Asked;
  expect([1, 2, 3].map(() => orders.park(cell, asked))).toEqual([true, true, false]);
  cell.waiting?.shift();
  expect(orders.park(cell, asked)).toBe(true);
});
