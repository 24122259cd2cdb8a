// What a gateway is given and what it tells.

import type { AcquirerReply, KnownAcquirer, PostedToAcquirer } from '../../switch/acquirers.ts';
import type { Archive } from '../../switch/archive.ts';
import type { Crowd } from '../../switch/crowd.ts';
import type { Directory, PayingWallets } from '../../switch/directory.ts';
import { type Limits, UNLIMITED } from '../../switch/limits.ts';
import type { Listings } from '../../switch/listings-port.ts';
import type { OperatorDesk } from '../../switch/operator-desk.ts';
import type { PayerDesk, PayerLabels } from '../../switch/payers.ts';
import type { Clock } from '../../switch/ports.ts';
import type { HostedFormats, QrCodes } from '../../switch/qr.ts';
import type { Presenter, ShardDoor } from '../../switch/requests.ts';
import type { TariffDesk, Tariffs } from '../../switch/tariffs.ts';
import type { WebhookDesk } from '../../switch/webhooks/ports.ts';
import type { DeliveryWays } from '../../switch/webhooks/ways.ts';
import type { Problem } from '../problem-document.ts';
import type { Replays } from '../signatures/replays.ts';
import type { LimitName } from './accounts.ts';

/** The part of a logger that the gateway uses; pino’s fits. */
export interface GatewayLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** How a call came; `batch`: as a line of one. */
export type Transport = 'http' | 'websocket' | 'batch';

/** Called as things happen; must not throw. */
export interface GatewayMetrics {
  answered(call: string, transport: Transport, status: number, durationMs: number): void;
  eventsSent(count: number, isRepeat: boolean): void;
  /** The switch has closed a socket, with this code. */
  socketClosed(code: number): void;
  /** A request or a socket was refused by the limit of this name. */
  limited(limit: LimitName): void;
}

/** Levels, for a scrape. */
export interface GatewayStats {
  readonly requestsUnderWay: number;
  readonly sessions: number;
  readonly terminalSessions: number;
  readonly paychannelSessions: number;
  readonly inboxes: number;
  readonly unacknowledgedEvents: number;
}

export interface GatewayLimits {
  /** HTTP requests with a key under way at once; beyond it 503. */
  readonly requestsUnderWay: number;
  /** HTTP requests of each public call under way at once; beyond it 503. */
  readonly publicUnderWay: number;
  /** Operations under way on one WebSocket; beyond it 429. */
  readonly operationsPerSocket: number;
  /** Batches under way at once; beyond it 503. */
  readonly batches: number;
  /** Batches of one terminal under way at once; beyond it 429. */
  readonly batchesPerTerminal: number;
  /** Lines of one batch; the first one beyond it is answered 413, and the rest is not read. */
  readonly batchLines: number;
  /**
   * Bytes of one batch that may wait for their turn; beyond it the connection is cut. Reading pauses long before, but
   * uWebSockets.js reads on where it could write a part only of what it had kept for the client.
   */
  readonly batchUnreadBytes: number;
  /** Bytes that may wait in one WebSocket’s send buffer; beyond it the socket is closed. */
  readonly socketBufferBytes: number;
  /** WebSockets open at once; beyond it 503. */
  readonly sockets: number;
  /**
   * Sockets whose keys are looked up at once, and as many whose pending events are read; the others wait their turn, so
   * that calls do not wait behind everybody who reconnects.
   */
  readonly reconnectsAtOnce: number;
  /** Frames in a row that cannot be read before the socket is closed. */
  readonly garbageFrames: number;
  /** Of each holder of keys, and of each institution, where an operator has set nothing. */
  readonly parties: { readonly holder: Limits; readonly institution: Limits };
  /** Keys remembered. */
  readonly principals: number;
  /** How long `drain` waits for what is under way, ms. */
  readonly drainMs: number;
}

export const GATEWAY_LIMITS: GatewayLimits = {
  requestsUnderWay: 10_000,
  publicUnderWay: 256,
  operationsPerSocket: 1_024,
  batches: 16,
  batchesPerTerminal: 4,
  batchLines: 100_000,
  batchUnreadBytes: 8_388_608,
  socketBufferBytes: 1_048_576,
  sockets: 50_000,
  reconnectsAtOnce: 32,
  garbageFrames: 10,
  parties: { holder: UNLIMITED, institution: UNLIMITED },
  principals: 200_000,
  drainMs: 10_000,
};

/** What who has more under way than its part hears, while requests stand too long. */
export const CROWDED: Problem = {
  code: 'overloaded',
  detail:
    'Its institution has more requests under way than its part, and all wait. Nothing was done.',
  members: { retryAfter: 1 },
};

export interface Readiness {
  readonly ready: boolean;
  /** Why not, or what is so: shown as it is. */
  readonly [detail: string]: unknown;
}

/** What every part of a gateway has about it. */
export interface GatewaySurroundings {
  readonly door: ShardDoor;
  readonly clock: Clock;
  readonly presenter: Presenter;
  /** Where links lead; no slash at its end. */
  readonly publicBaseUrl: string;
  readonly limits: GatewayLimits;
  readonly log: GatewayLog;
  readonly metrics: GatewayMetrics;
  /** A new request id: 1 to 128 of `A-Za-z0-9._:-`. */
  readonly newRequestId: () => string;
}

/** For whoever lets in: by key, by what is shown beside it, and by what there is room for. */
export interface AdmissionOptions {
  readonly directory: Directory;
  /** Who is let in while requests stand too long; left out: everybody. */
  readonly crowd?: Pick<Crowd, 'admits'>;
  /** Whether other gateways serve the same parties beside this one. */
  readonly isShared?: boolean;
  /** Signatures that have been used, shared by the gateways of a process. */
  readonly replays: Replays;
  /** Wall clock: signatures made before it are not taken. */
  readonly signedSince: number;
  /** With which the TLS front of this process tags connections. */
  readonly certificateToken: string;
}

/** For whoever reads what is asked of bills. */
export interface ReadingOptions {
  readonly codes: QrCodes;
  /** The formats of loaded drivers. */
  readonly hosted: HostedFormats;
  readonly acquirers: readonly KnownAcquirer[];
  readonly payers: PayerLabels;
  /** Those that bills are made of by name. */
  readonly tariffs: Tariffs;
}

/** For lists: what history has. */
export interface ListOptions {
  readonly listings: Listings;
  readonly archive: Archive;
}

/** For operators' calls. */
export interface DeskOptions {
  readonly desk: OperatorDesk;
  readonly webhooks: WebhookDesk;
  /** By which endpoints are challenged where an operator asks for it. */
  readonly ways: DeliveryWays;
  readonly tariffDesk: TariffDesk;
  readonly payerDesk: PayerDesk;
}

/** For what anybody may ask. */
export interface PublicOptions {
  readonly wallets: PayingWallets;
  /** Null: no acquirer has such an address; undefined: nobody can read it now. */
  readonly postToAcquirer: (
    token: string,
    posted: PostedToAcquirer,
  ) => Promise<AcquirerReply | null | undefined>;
  readonly ready: () => Readiness;
  readonly metricsText: () => Promise<string>;
}

export interface ListenOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

/** For what operators ask. */
export type OperatorOptions = GatewaySurroundings & ReadingOptions & DeskOptions;

export interface GatewayOptions
  extends GatewaySurroundings,
    AdmissionOptions,
    ReadingOptions,
    ListOptions,
    DeskOptions,
    PublicOptions,
    ListenOptions {}
