import { describe, expect, test } from 'vitest';
import { terminalId } from '../../../tests/support/bill-fixtures.ts';
import { ManualClock, settled } from '../../../tests/support/manual-clock.ts';
import { codesAt } from '../../../tests/support/qr-claims.ts';
import { eventsUpTo, idsOf } from '../../../tests/support/stream-events.ts';
import { makePresenter } from '../presenter.ts';
import { type EventReader, Inbox } from './inbox.ts';
import type { FoundEvents } from './pending-reader.ts';
import { Redelivery } from './redelivery.ts';

/** An inbox whose reads are answered when the test says so. */
function openInbox() {
  const clock = new ManualClock();
  const reads: ((found: FoundEvents) => void)[] = [];
  const sent: string[] = [];
  const inbox = new Inbox(`terminal:${terminalId}`, {
    clock,
    presenter: makePresenter({
      publicBaseUrl: 'http://switch.test',
      codes: codesAt('http://switch.test'),
    }),
    redelivery: new Redelivery(clock),
    read: () => new Promise((answer) => reads.push(answer)),
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
  return { inbox, reads, sent };
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
});
