// A scripted door to shards, and a gateway on real sockets in front of it: what arrives at the door is kept, what it
// answers is up to the test.

import type { Recipient } from '../../src/domain/bill/vocabulary.ts';
import type { BillId } from '../../src/domain/ids.ts';
import { deliveryWays } from '../../src/drivers/delivery-ways.ts';
import { openCourier } from '../../src/drivers/webhook/courier.ts';
import { makeWebhooks } from '../../src/drivers/webhook/driver.ts';
import { type Gateway, startGateway } from '../../src/protocols/gateway/gateway.ts';
import {
  GATEWAY_LIMITS,
  type GatewayLimits,
  type GatewayOptions,
} from '../../src/protocols/gateway/options.ts';
import { hashOfKey } from '../../src/protocols/gateway/principals.ts';
import { makePresenter } from '../../src/protocols/presenter.ts';
import { Replays, replayMemory } from '../../src/protocols/signatures/replays.ts';
import type { Archive } from '../../src/switch/archive.ts';
import type { Listings } from '../../src/switch/listings-port.ts';
import type { OperatorDesk } from '../../src/switch/operator-desk.ts';
import type { StreamedEvent } from '../../src/switch/ports.ts';
import type { Principal } from '../../src/switch/principal.ts';
import type {
  Reply,
  Request,
  ShardDoor,
  WorkerAnswer,
  WorkerQuery,
} from '../../src/switch/requests.ts';
import type { TariffDesk } from '../../src/switch/tariffs.ts';
import type { WebhookDesk } from '../../src/switch/webhooks/ports.ts';
import { institutionId, merchantId, NOON } from './bill-fixtures.ts';
import { ManualClock } from './manual-clock.ts';
import { payers } from './payers.ts';
import { codesAt, NO_FORMATS } from './qr-claims.ts';
import { noTariffs } from './tariffs.ts';

export const BASE = 'https://pay.example';
export type Asked = Omit<Request, 'seq'>;
/** What the door answers; `hold` keeps the request unanswered. */
export type Script = (request: Asked) => Reply | 'hold';

export class FakeDoor implements ShardDoor {
  readonly shards = 4;
  readonly requests: Asked[] = [];
  readonly queries: WorkerQuery[] = [];
  readonly held: { request: Asked; reply: (reply: Reply) => void }[] = [];
  script: Script = () => ({ kind: 'rejection', rejection: { rejected: 'bill.notFound' } });
  /** What the workers have in memory. */
  memory: { pending: StreamedEvent[]; ended: string[] } = { pending: [], ended: [] };
  reachedAt = NOON;
  askFails: Error | null = null;
  readonly #presenter = makePresenter({ publicBaseUrl: BASE, codes: codesAt(BASE) });
  readonly #onEvent: ((event: StreamedEvent) => void)[] = [];
  readonly #onEnded: ((recipient: Recipient, eventId: string) => void)[] = [];
  readonly #onUnfinished: ((billId: BillId) => void)[] = [];
  readonly #onStart: (() => void)[] = [];

  send(request: Asked, onReply: (status: number, body: Uint8Array) => void): void {
    this.requests.push(request);
    const answer = (reply: Reply): void => {
      const { status, body } = this.#presenter.present(reply, request.encoding, request.requestId);
      onReply(status, body);
    };
    setImmediate(() => {
      const reply = this.script(request);
      if (reply === 'hold') this.held.push({ request, reply: answer });
      else answer(reply);
    });
  }

  ask(query: WorkerQuery): Promise<WorkerAnswer[]> {
    this.queries.push(query);
    if (this.askFails !== null) return Promise.reject(this.askFails);
    if (query.query === 'reached') {
      return Promise.resolve([{ answer: 'reached', at: this.reachedAt }]);
    }
    if (query.query === 'unwritten') {
      return Promise.resolve([{ answer: 'unwritten', at: this.reachedAt, transitions: [] }]);
    }
    if (query.query === 'unsubscribe' || query.query === 'taken')
      return Promise.resolve([{ answer: 'done' }]);
    const pending = this.memory.pending.filter(({ event }) => event.recipient === query.recipient);
    return Promise.resolve([{ answer: 'events', pending, ended: [...this.memory.ended] }]);
  }

  onEvent(listener: (event: StreamedEvent) => void): void {
    this.#onEvent.push(listener);
  }

  onEventEnded(listener: (recipient: Recipient, eventId: string) => void): void {
    this.#onEnded.push(listener);
  }

  onAcquiring(): void {
    // No acquirer listens here.
  }

  onUnfinished(listener: (billId: BillId) => void): void {
    this.#onUnfinished.push(listener);
  }

  onWorkerStart(listener: () => void): void {
    this.#onStart.push(listener);
  }

  /** A shard has committed an event. */
  push(event: StreamedEvent): void {
    for (const listener of this.#onEvent) listener(event);
  }

  /** An event is pending no more, as another gateway has it acknowledged. */
  end(recipient: Recipient, eventId: string): void {
    for (const listener of this.#onEnded) listener(recipient, eventId);
  }

  /** A chain that somebody began has not ended in its time. */
  unfinished(billId: BillId): void {
    for (const listener of this.#onUnfinished) listener(billId);
  }

  restartWorker(): void {
    for (const listener of this.#onStart) listener();
  }

  asked(op: string): Asked[] {
    return this.requests.filter(({ operation }) => operation.op === op);
  }
}

export const keys = {
  terminal: 'key-terminal',
  restricted: 'key-restricted',
  merchant: 'key-merchant',
  operator: 'key-operator',
  paychannel: 'key-paychannel',
} as const;

const merchant = { name: 'Corner Coffee', city: 'Springfield' };
const nobody = {
  institutionId,
  merchantId: null,
  merchant: null,
  restricted: false,
  subscribed: false,
};
const ofMerchant = { ...nobody, merchantId, merchant };

/** Whose the keys are. A test may take one away. */
export function makePrincipals(): Map<string, Principal> {
  return new Map<string, Principal>([
    [hashOfKey(keys.terminal), { ...ofMerchant, kind: 'terminal', id: 'ter_1' }],
    [
      hashOfKey(keys.restricted),
      { ...ofMerchant, kind: 'terminal', id: 'ter_2', restricted: true },
    ],
    [hashOfKey(keys.merchant), { ...ofMerchant, kind: 'merchant', id: 'mer_1' }],
    [hashOfKey(keys.operator), { ...nobody, kind: 'operator', id: 'ope_1' }],
    [hashOfKey(keys.paychannel), { ...nobody, kind: 'paychannel', id: 'pay_1' }],
  ]);
}

/** Of a gateway whose tests ask for nothing of it. */
const NO_DESK: OperatorDesk = {
  agreements: {
    add: () => Promise.resolve({ is: 'unknown' }),
    find: () => Promise.resolve(null),
    list: () => Promise.resolve([]),
    end: () => Promise.resolve({ is: 'unknown' }),
  },
  find: () => Promise.resolve(null),
  list: () => Promise.resolve([]),
  add: () => Promise.resolve({ is: 'unknown' }),
  change: () => Promise.resolve({ is: 'unknown' }),
  suspend: () => Promise.resolve({ is: 'unknown' }),
  limits: () => Promise.resolve(null),
  limit: () => Promise.resolve({ is: 'unknown' }),
  codes: () => Promise.resolve(null),
  changeCodes: () => Promise.resolve({ is: 'unknown' }),
  isRepeat: () => Promise.resolve(false),
  findKey: () => Promise.resolve(null),
  listKeys: () => Promise.resolve([]),
  addKey: () => Promise.resolve({ is: 'unknown' }),
  revokeKey: () => Promise.resolve({ is: 'unknown' }),
  audit: () => Promise.resolve([]),
  close: () => Promise.resolve(),
};

const NO_ARCHIVE: Archive = {
  bills: () => Promise.resolve([]),
  payments: () => Promise.resolve([]),
  credits: () => Promise.resolve([]),
  events: () => Promise.resolve([]),
  event: () => Promise.resolve(null),
  transitions: () => Promise.resolve([]),
  close: () => Promise.resolve(),
};

const NO_WEBHOOKS: WebhookDesk = {
  find: () => Promise.resolve(null),
  list: () => Promise.resolve([]),
  add: () => Promise.resolve({ is: 'unknown' }),
  rotate: () => Promise.resolve({ is: 'unknown' }),
  remove: () => Promise.resolve({ is: 'unknown' }),
  deadLetters: () => Promise.resolve([]),
  resend: () => Promise.resolve({ is: 'unknown' }),
  holderKind: () => Promise.resolve(null),
  receiverOf: () => Promise.resolve(null),
  proven: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

const NO_TARIFF_DESK: TariffDesk = {
  put: () => Promise.resolve({ is: 'unknown' }),
  read: () => Promise.resolve(null),
  list: () => Promise.resolve([]),
  end: () => Promise.resolve({ is: 'unknown' }),
};

/** Whose key it is, as a directory says it. */
export function holderOf(principals: ReadonlyMap<string, Principal>, keyHash: string) {
  const principal = principals.get(keyHash);
  if (principal === undefined) return null;
  return { keyId: `key_${principal.id}`, expiresAt: null, principal };
}

/** Lists that are empty but for what a test puts in. */
export function makeListings(given: Partial<Listings> = {}): Listings {
  return {
    pendingEvents: () => Promise.resolve([]),
    allPendingEvents: () => Promise.resolve(),
    events: () => Promise.resolve([]),
    eventPlace: () => Promise.resolve(null),
    bills: () => Promise.resolve([]),
    billOfOrder: () => Promise.resolve(null),
    payments: () => Promise.resolve([]),
    credits: () => Promise.resolve([]),
    close: () => Promise.resolve(),
    ...given,
  };
}

export interface Bench {
  readonly gateway: Gateway;
  readonly door: FakeDoor;
  readonly clock: ManualClock;
  readonly url: string;
  readonly ws: string;
  readonly principals: Map<string, Principal>;
  readonly answered: { call: string; transport: string; status: number }[];
  /** By their codes. */
  readonly closedSockets: number[];
  readonly limited: string[];
  readonly errors: unknown[];
}

/** A gateway on a free port. Time stands still but for what a test lets pass. */
export async function startBench(
  given: {
    listings?: Partial<Listings>;
    limits?: Partial<GatewayLimits>;
    options?: Partial<GatewayOptions>;
  } = {},
): Promise<Bench> {
  const door = new FakeDoor();
  const clock = new ManualClock(NOON);
  const principals = makePrincipals();
  const answered: Bench['answered'] = [];
  const closedSockets: number[] = [];
  const limited: string[] = [];
  const errors: unknown[] = [];
  let requests = 0;
  const gateway = await startGateway({
    acquirers: [],
    postToAcquirer: () => Promise.resolve(null),
    door,
    directory: {
      holderOfKey: (keyHash) => Promise.resolve(holderOf(principals, keyHash)),
      keysUsed: () => Promise.resolve(),
      close: () => Promise.resolve(),
    },
    wallets: { payingFor: () => Promise.resolve({ names: ['First Wallet'], isMore: false }) },
    listings: makeListings(given.listings),
    archive: NO_ARCHIVE,
    desk: NO_DESK,
    webhooks: NO_WEBHOOKS,
    tariffDesk: NO_TARIFF_DESK,
    tariffs: noTariffs,
    ways: deliveryWays({
      webhooks: makeWebhooks(openCourier([]), clock),
      loaded: [],
      ask: () => Promise.resolve({ is: 'unknown', why: 'there is none' }),
    }),
    clock,
    presenter: makePresenter({ publicBaseUrl: BASE, codes: codesAt(BASE) }),
    publicBaseUrl: BASE,
    codes: codesAt(BASE),
    hosted: NO_FORMATS,
    payers,
    payerDesk: {
      show: () => Promise.resolve(null),
      erase: () => Promise.resolve(null),
      close: () => Promise.resolve(),
    },
    host: '127.0.0.1',
    port: 0,
    limits: { ...GATEWAY_LIMITS, ...given.limits },
    log: {
      debug: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      error: (fields) => errors.push(fields),
    },
    metrics: {
      answered: (call, transport, status) => answered.push({ call, transport, status }),
      eventsSent: () => undefined,
      socketClosed: (code) => closedSockets.push(code),
      limited: (limit) => limited.push(limit),
    },
    ready: () => ({ ready: true }),
    metricsText: () => Promise.resolve('qrswitch_up 1\n'),
    replays: new Replays(replayMemory(1024)),
    signedSince: 0,
    certificateToken: 'drawn by the process',
    newRequestId: () => {
      requests += 1;
      return `made-${requests}`;
    },
    ...given.options,
  });
  const address = `127.0.0.1:${gateway.port}`;
  return {
    gateway,
    door,
    clock,
    url: `http://${address}`,
    ws: `ws://${address}`,
    principals,
    answered,
    closedSockets,
    limited,
    errors,
  };
}

/** Lets time pass until what waits for it is through. */
export async function passing<T>(clock: ManualClock, waiting: Promise<T>): Promise<T> {
  let isThrough = false;
  const through = (): void => {
    isThrough = true;
  };
  waiting.then(through, through);
  while (!isThrough) {
    clock.advance(20);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return waiting;
}
