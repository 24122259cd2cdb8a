// Planted faults of webhooks: what is posted is forgotten, overtaken, taken for granted, or told in other words.

import { Inbox } from '../../src/protocols/gateway/inbox.ts';
import { EndpointSender } from '../../src/protocols/webhooks/endpoint-sender.ts';
import { OwedParcel, PendingParcel } from '../../src/protocols/webhooks/parcels.ts';
import { RecipientStream } from '../../src/protocols/webhooks/recipient-stream.ts';
import type { StreamedEvent } from '../../src/switch/ports.ts';
import type { Presenter } from '../../src/switch/requests.ts';
import { DeliveryQueue } from '../../src/switch/webhooks/delivery-queue.ts';
import { patch } from './patch.ts';
import type { RunOptions } from './settings.ts';
import { hookPresenter } from './sim-receivers.ts';

type Offer = Parameters<DeliveryQueue<unknown>['offer']>;
type Push = Parameters<RecipientStream['push']>;
type Present = Parameters<Presenter['presentEvent']>;

/** By name: plants the fault, and returns how to take it out again. */
export const HOOK_BUGS = {
  /** What a receiver has taken is acknowledged to nobody. */
  'taken-unacknowledged': () =>
    patch<[string], void, RecipientStream>(
      RecipientStream.prototype,
      'acknowledge',
      () => () => undefined,
    ),

  /** An event does not wait for the one before it, which is tried again. */
  'retry-overtaken': () =>
    patch<Offer, void, DeliveryQueue<unknown>>(
      DeliveryQueue.prototype,
      'offer',
      (offer) => (self, of, now) => offer(self, { ...of, billId: of.id }, now),
    ),

  /** What was pending when a sender begins is not posted: only what happens from then on. */
  'start-blind': () => {
    const live = new WeakSet<StreamedEvent>();
    const undo = [
      patch<[StreamedEvent], void, Inbox>(Inbox.prototype, 'live', (take) => (self, event) => {
        live.add(event);
        take(self, event);
      }),
      patch<Push, void, RecipientStream>(
        RecipientStream.prototype,
        'push',
        (push) =>
          (self, ...args) =>
            live.has(args[0].event) ? push(self, ...args) : undefined,
      ),
    ];
    return () => {
      for (const each of undo) each();
    };
  },

  /** A letter is taken for done where its receiver has refused it. */
  'letter-dropped': () =>
    patch<[], void, OwedParcel>(OwedParcel.prototype, 'heldUp', () => (self) => {
      const [, holder] = self.event.event.recipient.split(':');
      for (const no of ['a', 'b']) self.taken(`hook-${holder}-${no}`);
    }),

  /** What an endpoint takes as a letter is acknowledged, whoever else has not taken it. */
  'letter-ends-all': () => {
    const undo = [
      patch<[StreamedEvent], undefined, RecipientStream>(
        RecipientStream.prototype,
        'parcelOf',
        () => () => undefined,
      ),
      patch<[ReadonlySet<string>, StreamedEvent], boolean, RecipientStream>(
        RecipientStream.prototype,
        'isAwaitedBeside',
        () => () => false,
      ),
    ];
    return () => {
      for (const each of undo) each();
    };
  },

  /** Whoever goes on to another way is done with what was pending. */
  'way-drops-pending': () => {
    const pushed = new WeakMap<RecipientStream, string[]>();
    const undo = [
      patch<Push, void, RecipientStream>(
        RecipientStream.prototype,
        'push',
        (push) =>
          (self, ...args) => {
            pushed.set(self, [...(pushed.get(self) ?? []), args[0].id]);
            push(self, ...args);
          },
      ),
      patch<[], void, RecipientStream>(RecipientStream.prototype, 'close', (close) => (self) => {
        for (const id of pushed.get(self) ?? []) self.acknowledge(id);
        close(self);
      }),
    ];
    return () => {
      for (const each of undo) each();
    };
  },

  /** A receiver that refuses has taken it. */
  'refusal-taken': () =>
    patch<[], void, PendingParcel>(PendingParcel.prototype, 'heldUp', () => (self) => {
      const [, holder] = self.event.event.recipient.split(':');
      self.taken(`hook-${holder}-a`);
    }),

  /** Each attempt says how many there were before. */
  'attempt-told': () => {
    let attempts = 0;
    return patch<Present, Uint8Array, Presenter>(
      hookPresenter,
      'presentEvent',
      (present) =>
        (self, ...args) => {
          attempts += 1;
          const body = Buffer.from(present(self, ...args)).toString('utf8');
          return Buffer.from(`${body.slice(0, -1)},"attempt":${attempts}}`);
        },
    );
  },

  /** What has been acknowledged by another way is posted all the same. */
  'ended-posted': () => {
    const undo = [
      patch<[], boolean, PendingParcel>(PendingParcel.prototype, 'isOver', () => () => false),
      patch<unknown[], void, EndpointSender>(
        EndpointSender.prototype,
        'drop',
        () => () => undefined,
      ),
    ];
    return () => {
      for (const each of undo) each();
    };
  },
} as const satisfies Record<string, () => () => void>;

const WITH_WEBHOOKS = {
  hasWebhook: true,
  hasOperator: false,
  hasStatic: false,
  hasFlood: false,
  hasSticker: false,
  hasTimer: false,
  hasBank: false,
  operations: 200,
} as const;

type Found = { readonly [name in keyof typeof HOOK_BUGS]: RegExp };
type Haunts = {
  readonly [name in keyof typeof HOOK_BUGS]: Pick<RunOptions, 'faults' | 'given'>;
};

const given = WITH_WEBHOOKS;

export const HOOK_HAUNTS: Haunts = {
  'taken-unacknowledged': { given },
  'retry-overtaken': { faults: ['hook.refused', 'hook.slow'], given },
  'start-blind': { faults: ['process.crash', 'sender.crash', 'hook.away'], given },
  'letter-dropped': { faults: ['hook.away', 'process.crash'], given },
  'letter-ends-all': { faults: ['hook.refusedForGood', 'hook.away', 'hook.refused'], given },
  'way-drops-pending': { faults: ['hook.refused', 'hook.away'], given },
  'refusal-taken': { faults: ['hook.refused', 'hook.away'], given },
  'attempt-told': { faults: ['hook.refused', 'hook.answerLost'], given },
  'ended-posted': { faults: ['hook.refused', 'hook.away'], given },
};

export const HOOK_BUGS_FOUND_BY: Found = {
  'taken-unacknowledged': /stay pending/,
  'retry-overtaken': /first after/,
  'start-blind': /stay pending/,
  'letter-dropped': /never posted to/,
  'letter-ends-all': /never posted to/,
  'way-drops-pending': /never given/,
  'refusal-taken': /never given/,
  'attempt-told': /was told as/,
  'ended-posted': /after it had ended/,
};
