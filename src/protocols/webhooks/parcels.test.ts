// When an event that several endpoints get is acknowledged: not before whoever has not taken it has its letter.

import { describe, expect, test } from 'vitest';
import type { StreamedEvent } from '../../switch/ports.ts';
import type { PendingEvent } from '../gateway/pending.ts';
import type { EndpointSender } from './endpoint-sender.ts';
import type { Parcel } from './parcel.ts';
import { OwedParcel, type ParcelContext, PendingParcel } from './parcels.ts';

/** By endpoint: what it was offered last. A letter is kept once a test says so. */
function endpoints(...ids: readonly string[]) {
  return endpointsWhile(Promise.resolve(), ...ids);
}

function endpointsWhile(underWay: Promise<void>, ...ids: readonly string[]) {
  const acknowledged: string[] = [];
  const statements: string[] = [];
  const settled: string[] = [];
  const keeping: (() => void)[] = [];
  const offered = new Map<string, Parcel>();
  const event = { bill: { id: 'bill' }, event: { no: 1, occurredAt: 0 } } as StreamedEvent;
  const senderOf = (id: string) =>
    ({
      endpoint: { id },
      offer: (offeredTo: Parcel) => offered.set(id, offeredTo),
      offerPending: (offeredTo: Parcel) => offered.set(id, offeredTo),
      isHeldUp: () => true,
    }) as unknown as EndpointSender;
  const pending = { id: 'bill-e1', event, isDone: false } as unknown as PendingEvent;
  const kept = (said: string): Promise<void> =>
    new Promise((done) => {
      statements.push(said);
      keeping.push(done);
    });
  const context: ParcelContext = {
    isOurs: () => true,
    pendingOf: () => parcel,
    isAwaitedBeside: () => false,
    owe: async (senders) => {
      for (const sender of senders) context.offerOwed(sender, event);
      const behind = senders.map(({ endpoint }) => endpoint.id).join(', ');
      if (behind !== '') await kept(`${behind} owed`);
    },
    died: (endpointId) => kept(`${endpointId} dead`),
    settle: (endpointId) => settled.push(endpointId),
    taken: (endpointId) => settled.push(endpointId),
    areKept: () => underWay,
    isOwed: () => false,
    offerOwed: (sender) => sender.offer(new OwedParcel(event, context), 0),
    acknowledge: (id) => acknowledged.push(id),
  };
  const parcel = new PendingParcel(pending, ids.map(senderOf), context);
  parcel.send(() => undefined);
  const letterIsKept = () => keeping.shift()?.();
  return { parcel, offered, acknowledged, kept: statements, settled, letterIsKept };
}

describe('an event that one endpoint has refused for good and another has taken', () => {
  test('is acknowledged once the dead letter is kept, because nobody would send it again after a crash', async () => {
    const { parcel, acknowledged, kept, letterIsKept } = endpoints('taker', 'refuser');
    parcel.died('refuser', 'answered 422');
    parcel.taken('taker');
    await Promise.resolve();
    expect(kept).toEqual(['refuser dead']);
    expect(acknowledged).toEqual([]);
    letterIsKept();
    await expect.poll(() => acknowledged).toEqual(['bill-e1']);
  });

  test('is acknowledged once that letter is kept, though another reading of the stream has sent it', async () => {
    let done = (): void => undefined;
    const underWay = new Promise<void>((kept) => {
      done = kept;
    });
    const { parcel, acknowledged } = endpointsWhile(underWay, 'taker');
    parcel.taken('taker');
    await new Promise((turn) => setImmediate(turn));
    expect(acknowledged).toEqual([]);
    done();
    await expect.poll(() => acknowledged).toEqual(['bill-e1']);
  });

  test('is not acknowledged by the letter alone', async () => {
    const { parcel, acknowledged, letterIsKept } = endpoints('taker', 'refuser');
    parcel.died('refuser', 'answered 422');
    letterIsKept();
    await new Promise((turn) => setImmediate(turn));
    expect(acknowledged).toEqual([]);
    parcel.taken('taker');
    await expect.poll(() => acknowledged).toEqual(['bill-e1']);
  });
});

describe('an event that one endpoint has taken and two others are owed', () => {
  test('is acknowledged once both letters are kept, which are so together, whoever takes it first', async () => {
    const { parcel, offered, acknowledged, kept, settled, letterIsKept } = endpoints('a', 'b', 'c');
    parcel.taken('a');
    expect(kept).toEqual(['b, c owed']);
    offered.get('b')?.taken('b');
    await new Promise((turn) => setImmediate(turn));
    expect(settled).toEqual(['a', 'b']);
    expect(acknowledged).toEqual([]);
    letterIsKept();
    await expect.poll(() => acknowledged).toEqual(['bill-e1']);
  });
});
