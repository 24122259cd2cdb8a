import { describe, expect, test } from 'vitest';
import { terminalId } from '../../../tests/support/bill-fixtures.ts';
import { ManualClock, settled } from '../../../tests/support/manual-clock.ts';
import { codesAt } from '../../../tests/support/qr-claims.ts';
import { eventsUpTo, idsOf } from '../../../tests/support/stream-events.ts';
import { makePresenter } from '../presenter.ts';
import { type EventReader, Inbox } from './inbox.ts';
import type { PendingEvent } from './pending.ts';
import type { FoundEvents } from './pending-reader.ts';
import { Redelivery } from './redelivery.ts';

/** An inbox whose reads are answered when the test says so. */
function openInbox() {
  const clock = new ManualClock();
  const reads: ((found: FoundEvents | Error) => void)[] = [];
  const sent: string[] = [];
  const inbox = new Inbox(`terminal:${terminalId}`, {
    clock,
    presenter: makePresenter({
      publicBaseUrl: 'http://switch.test',
      codes: codesAt('http://switch.test'),
    }),
    redelivery: new Redelivery(clock),
    read: () =>
      new Promise((answer, fail) =>
        reads.push((found) => (found instanceof Error ? fail(found) : answer(found))),
      ),
    onReadFailed: () => undefined,
  });
  const reader: EventReader = {
    sentSeq: 0,
    canTake: () => true,
    push: (pending) => {
      sent.push(pending.id);
    },
  };
  inbox.attach(reader);
  return { inbox, clock, reads, sent };
}

describe('an inbox', () => {
  test('reads on where all that it had read was acknowledged elsewhere meanwhile', async () => {
    const { inbox, reads, sent } = openInbox();
    const events = eventsUpTo(1_200);
    const first = events.slice(0, 1_000);
    inbox.acknowledged(idsOf(first));
    reads[0]?.({ events: first, isComplete: false, isPartial: false });
    await settled();
    expect(reads).toHaveLength(2);
    reads[1]?.({ events: events.slice(1_000), isComplete: true, isPartial: false });
    await settled();
    expect(sent).toEqual(idsOf(events.slice(1_000)));
    expect(reads).toHaveLength(2);
  });

  test('keeps what may follow other events of its bill for when Postgres can be asked', async () => {
    const { inbox, clock, reads, sent } = openInbox();
    const [first, second, third] = eventsUpTo(3);
    if (first === undefined || second === undefined || third === undefined) throw new Error();
    reads[0]?.({ events: [second], isComplete: true, isPartial: true });
    await settled();
    inbox.live({ ...third, isAfterLetGo: true });
    expect(sent).toEqual(idsOf([second]));

    clock.advance(1_000);
    reads[1]?.({ events: [first, second, third], isComplete: true, isPartial: false });
    await settled();
    expect(sent).toEqual(idsOf([second, first, third]));
    const [, , , fourth] = eventsUpTo(4);
    if (fourth === undefined) throw new Error();
    inbox.live({ ...fourth, isAfterLetGo: true });
    expect(sent.at(-1)).toBe(idsOf([fourth])[0]);
  });

  test('lets no live event pass those that it had no room for while Postgres was away', async () => {
    const { inbox, clock, reads, sent } = openInbox();
    const events = eventsUpTo(1_002);
    const [old, late, live] = [
      events.slice(0, 1_000),
      events.slice(1_000, 1_001),
      events.slice(1_001),
    ];
    reads[0]?.({ events: old, isComplete: true, isPartial: false });
    await settled();
    inbox.refresh(() => undefined);
    // Memory alone has told of one more, and of nothing that history has.
    reads[1]?.({ events: late, isComplete: true, isPartial: true });
    await settled();
    inbox.acknowledged(idsOf(old.slice(0, 400)));
    for (const event of live) inbox.live(event);
    expect(sent).toEqual(idsOf(old));
    clock.advance(1_000);
    reads[2]?.({ events: events.slice(400), isComplete: true, isPartial: false });
    await settled();
    expect(sent).toEqual(idsOf(events));
  });

  test('lets live events wait until it knows what a worker that began anew had to tell', async () => {
    const { inbox, clock, reads, sent } = openInbox();
    const [first, second] = eventsUpTo(2);
    if (first === undefined || second === undefined) throw new Error();
    reads[0]?.({ events: [], isComplete: true, isPartial: false });
    await settled();
    inbox.resubscribe();
    reads[1]?.(new Error('a worker does not answer'));
    await settled();
    inbox.live(second);
    expect(sent).toEqual([]);

    clock.advance(1_000);
    reads[2]?.({ events: [first], isComplete: true, isPartial: false });
    await settled();
    expect(sent).toEqual(idsOf([first, second]));
  });

  test('that has read everything is not told again of what was acknowledged since, because its bill is fetched', async () => {
    const { inbox, reads, sent } = openInbox();
    const [first, second] = eventsUpTo(2);
    if (first === undefined || second === undefined) throw new Error();
    reads[0]?.({ events: [first], isComplete: true, isPartial: false });
    await settled();
    inbox.acknowledged(idsOf([first]));
    inbox.live({ ...first, isFetched: true });
    inbox.live(second);
    expect(sent).toEqual(idsOf([first, second]));
  });

  test('is done with all that it is done with before it tells anybody of any of it', async () => {
    const { inbox, reads } = openInbox();
    const seen: boolean[] = [];
    const events = eventsUpTo(2);
    const pending: PendingEvent[] = [];
    const reader: EventReader = { sentSeq: 0, canTake: () => true, push: (of) => pending.push(of) };
    inbox.attach(reader);
    reads[0]?.({ events, isComplete: true, isPartial: false });
    await settled();
    for (const of of pending) of.onDone = () => seen.push(pending.every(({ isDone }) => isDone));
    inbox.acknowledged(idsOf(events));
    expect(seen).toEqual([true, true]);
  });
});
