// Events for tests of streams.

import { plus } from '../../src/domain/time.ts';
import type { StreamedEvent } from '../../src/switch/ports.ts';
import { billId, institutionId, makeEvent, NOON, reference } from './bill-fixtures.ts';
import type { Frame } from './socket.ts';

/** The nth event of the terminal: of the nth bill, at the nth millisecond. */
export function eventNo(no: number, given: Partial<StreamedEvent['event']> = {}): StreamedEvent {
  return {
    bill: {
      id: billId(no),
      orderId: reference('order-1'),
      amount: 1_000,
      currency: 'EUR',
      purpose: 'sale',
      policies: { late: 'refuse', excess: 'refuse', part: 'allow', unconfirmed: 'confirm' },
      institutionId,
      mode: 'live',
    },
    event: makeEvent({ no: 1, occurredAt: plus(NOON, no), requestId: `request-${no}`, ...given }),
  };
}

export const eventsUpTo = (count: number): StreamedEvent[] =>
  Array.from({ length: count }, (_unused, i) => eventNo(i + 1));

export const idOf = (event: StreamedEvent): string => `${event.bill.id}-e${event.event.no}`;

export const idsOf = (events: readonly StreamedEvent[]): string[] => events.map(idOf);

/** The ids of the events among frames. */
export const pushed = (frames: readonly Frame[]): string[] =>
  frames.filter((frame) => 'event' in frame).map((frame) => (frame.event as { id: string }).id);
