// A sender of webhooks over a Postgres that takes its time, with endpoints of one terminal.

import { type InstitutionId, partId, shardOfBill, type TerminalId } from '../../src/domain/ids.ts';
import { millis, SECOND_MS } from '../../src/domain/time.ts';
import { makePresenter } from '../../src/protocols/presenter.ts';
import { Deliverer } from '../../src/protocols/webhooks/deliverer.ts';
import { WEBHOOK_LIMITS, type WebhookLimits } from '../../src/protocols/webhooks/options.ts';
import { letterOf } from '../../src/protocols/webhooks/parcels.ts';
import type { Listings } from '../../src/switch/listings-port.ts';
import type { StreamedEvent } from '../../src/switch/ports.ts';
import type { Principal } from '../../src/switch/principal.ts';
import type { ShardDoor } from '../../src/switch/requests.ts';
import type { Endpoint, Letter, WebhookBook } from '../../src/switch/webhooks/ports.ts';
import type { Delivered } from '../../src/switch/webhooks/ways.ts';
import { institutionId, NOON, terminalId } from './bill-fixtures.ts';
import { endpointOf } from './lone-deliverer.ts';
import { ManualClock } from './manual-clock.ts';
import { codesAt } from './qr-claims.ts';
import { eventNo, idOf } from './stream-events.ts';

export const SLOW_MS = 200;
const BASE_URL = 'http://switch.test';
export const ACKNOWLEDGED = Buffer.from('{"acknowledged":1}');

/** That of the first bill. */
export const SHARD = shardOfBill(eventNo(1).bill.id);

const stranger = { id: 'ter_2' as TerminalId, institutionId: 'ins_2' as InstitutionId };
const holder = { kind: 'terminal', id: terminalId, institutionId } as unknown as Principal;
export const endpointNo = (no: number): Endpoint => endpointOf(holder, `endpoint-${no}`);
/** One of the terminal of another institution. */
export const strangerNo = (no: number): Endpoint =>
  endpointOf({ ...holder, ...stranger }, `endpoint-${no}`);

export const TAKEN: Delivered = { is: 'delivered' };
export const LATER: Delivered = { is: 'again', said: 'not now', afterMs: 60 * SECOND_MS };
export const REFUSED: Delivered = { is: 'refused', said: 'answered 422' };

interface Given {
  readonly endpoints?: number;
  /** In memory. */
  readonly pending: readonly StreamedEvent[];
  /** Waited for before that is told; left out: nothing. */
  readonly beforeTold?: () => Promise<void>;
  /** In Postgres, in their order, each with when it was sent. */
  readonly written?: readonly { readonly event: StreamedEvent; readonly at: number }[];
  /** Of the first endpoint. */
  readonly owed?: readonly StreamedEvent[];
  answer(endpointId: string, eventId: string): Delivered | Promise<Delivered>;
  /** What is said of the challenge that is failed; left out: it is passed. */
  readonly unproven?: string;
  /** What becomes of acknowledgements; left out: they are taken at once. */
  readonly send?: ShardDoor['send'];
  readonly now?: number;
  readonly limits?: Partial<WebhookLimits>;
  readonly book?: Partial<WebhookBook>;
}

interface Kept {
  readonly letter: Letter;
  readonly since: number;
  state: 'owed' | 'dead';
}

/** The letters, by endpoint and event. */
class FakeLetters {
  readonly #kept = new Map<string, Kept>();

  keep(endpointId: string, state: 'owed' | 'dead', letter: Letter): void {
    const { billId, no, occurredAt: since } = letter;
    this.#kept.set(`${endpointId} ${partId(billId, 'e', no)}`, { letter, since, state });
  }

  settle(endpointId: string, { billId, no }: Pick<Letter, 'billId' | 'no'>): void {
    this.#kept.delete(`${endpointId} ${partId(billId, 'e', no)}`);
  }

  /** As an operator does. */
  resend(): void {
    for (const kept of this.#kept.values()) kept.state = 'owed';
  }

  of(endpointId: string, state: 'owed' | 'dead'): Kept[] {
    return [...this.#kept]
      .filter(([key, kept]) => key.startsWith(`${endpointId} `) && kept.state === state)
      .map(([, kept]) => kept)
      .sort((left, right) => left.letter.occurredAt - right.letter.occurredAt);
  }
}

export async function openDeliverer({
  endpoints = 1,
  pending,
  beforeTold = () => Promise.resolve(),
  written = [],
  owed = [],
  answer,
  unproven,
  send = (_, onReply) => onReply(200, ACKNOWLEDGED),
  now = NOON + SECOND_MS,
  limits = {},
  book: given = {},
}: Given) {
  const clock = new ManualClock(now);
  /** By endpoint: the ids of events, as they reach it. */
  const sent: (readonly [endpointId: string, eventId: string])[] = [];
  const statements: string[] = [];
  /** How often letters were asked for. */
  const asked = { count: 0 };
  /** What the log was warned of, or told as a mistake of ours. */
  const warned: string[] = [];
  const letters = new FakeLetters();
  for (const event of owed) letters.keep('endpoint-1', 'owed', letterOf(event));
  const came: StreamedEvent[] = [];
  const listeners: ((event: StreamedEvent) => void)[] = [];
  const ended: Parameters<ShardDoor['onEventEnded']>[0][] = [];
  const slowly = <Answer>(step: () => Answer): Promise<Answer> =>
    new Promise((resolve) => clock.after(SLOW_MS, () => resolve(step())));
  const nobody = (): void => undefined;
  const nowhere = { debug: nobody, info: nobody };
  const warn = (_: object, what: string) => warned.push(what);
  const nothing = (): Promise<void> => Promise.resolve();
  const door: ShardDoor = {
    shards: 1_024,
    send,
    ask: async (query) => {
      await beforeTold();
      const recipient = 'recipient' in query ? query.recipient : null;
      const its = [...pending, ...came].filter(({ event }) => event.recipient === recipient);
      return [{ answer: 'events', pending: its, ended: [] }];
    },
    onEvent: (listener) => listeners.push(listener),
    onEventEnded: (listener) => ended.push(listener),
    onUnfinished: nobody,
    onAcquiring: nobody,
    onWorkerStart: nobody,
  };
  const listings: Pick<Listings, 'pendingEvents' | 'events' | 'eventPlace'> = {
    pendingEvents: () => Promise.resolve([]),
    eventPlace: (_, billId, no) =>
      slowly(() => {
        const row = written.find(({ event }) => event.bill.id === billId && event.event.no === no);
        return row === undefined ? null : { at: millis(row.at), billId, no };
      }),
    events: (_, after, limit, { asOf }) =>
      slowly(() => {
        const rows = written.filter(
          ({ event, at }) =>
            at <= asOf &&
            (after === null ||
              at > after.at ||
              (at === after.at &&
                (event.bill.id > after.billId ||
                  (event.bill.id === after.billId && event.event.no > after.no)))),
        );
        return rows.slice(0, limit).map(({ event }) => event);
      }),
  };
  const book: WebhookBook = {
    endpoints: () =>
      Promise.resolve(Array.from({ length: endpoints }, (_, i) => endpointNo(i + 1))),
    proven: nothing,
    disable: nothing,
    tellHealth: nothing,
    keep: (ids, state, kept) =>
      slowly(() => {
        for (const id of ids) {
          statements.push(`${id} is ${state}`);
          for (const letter of kept) letters.keep(id, state, letter);
        }
      }),
    bury: () => Promise.resolve(0),
    buryOwed: () => Promise.resolve(0),
    discard: () => Promise.resolve(false),
    owed: (id, limit) => {
      asked.count += 1;
      return slowly(() => letters.of(id, 'owed').slice(0, limit));
    },
    givenUp: (ids, since) =>
      Promise.resolve(
        ids.flatMap((endpointId) =>
          letters
            .of(endpointId, 'dead')
            .filter(({ letter }) => letter.occurredAt >= since)
            .map(({ letter: { billId, no } }) => ({ endpointId, billId, no })),
        ),
      ),
    settle: async (id, settled) => {
      statements.push(`${id} is settled`);
      for (const letter of settled) letters.settle(id, letter);
    },
    close: nothing,
    ...given,
  };
  const deliverer = new Deliverer({
    door,
    listings: listings as Listings,
    presenter: makePresenter({ publicBaseUrl: BASE_URL, codes: codesAt(BASE_URL) }),
    clock,
    book,
    ways: {
      of: () => ({
        prove: () => Promise.resolve({ isProven: unproven === undefined, said: unproven ?? '' }),
        deliver: async ({ endpointId }, { id }) => {
          sent.push([endpointId, id]);
          return { delivered: await answer(endpointId, id), as: 'some' };
        },
      }),
      check: () => Promise.resolve({ value: {} }),
    },
    log: { ...nowhere, error: warn, warn },
    metrics: { delivered: nobody, died: nobody },
    limits: { ...WEBHOOK_LIMITS, pace: 0.01, ...limits },
    newRequestId: () => 'request',
    chance: () => 0.5,
  });
  deliverer.start();
  deliverer.serve([SHARD]);
  await clock.pass(5 * SLOW_MS);
  return {
    deliverer,
    clock,
    letters,
    statements,
    warned,
    asked,
    /** The ids of events, as they reach an endpoint: the first, or that one. */
    posted: (no = 1): string[] => sent.flatMap(([to, id]) => (to === `endpoint-${no}` ? [id] : [])),
    /** Another way has brought it. */
    acknowledged: (event: StreamedEvent): void => {
      for (const listener of ended) listener(event.event.recipient, idOf(event));
    },
    /** One that has just been committed. */
    live: (event: StreamedEvent): void => {
      came.push(event);
      for (const listener of listeners) listener(event);
    },
  };
}
