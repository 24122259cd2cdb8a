// What the main thread and the others say to each other: the few words beside the requests.

import type { MessagePort } from 'node:worker_threads';
import type { Config } from './config.ts';
import type { AskDriver, DriverAsked } from './driver-door.ts';
import type { AcquirerFile } from './drivers/acquiring/configured.ts';
import type { Loaded } from './loaded-drivers.ts';
import type { Use } from './protocols/gateway/accounts.ts';
import type { AcquirerReply, KnownAcquirer, PostedToAcquirer } from './switch/acquirers.ts';
import type { Agreement } from './switch/agreements.ts';
import type { DirectoryChange } from './switch/directory.ts';
import type { Suspensions } from './switch/sellers.ts';
import type { ToldTariff } from './switch/tariffs.ts';
import type { ShardStatus } from './switch/worker-host.ts';
import type { Snapshot } from './telemetry/metrics.ts';

/** What a worker or gateway needs to run; plain, so that it crosses threads. */
export interface Setting {
  readonly config: Config;
  readonly databaseUrl: string;
  readonly publicBaseUrl: string;
  /** The key of the tags in QR codes, base64url: the same for all who share the database. */
  readonly qrKey: string;
  /** The database's own key of what stands sealed in it: behind those that are configured. */
  readonly dataKey: string;
  /** With which labels of payers are digested. */
  readonly payerDigestKey: string;
  /** Drawn by this process at its start: connections that came over TLS are tagged with it. */
  readonly certificateToken: string;
  /** Drawn by this process at its start. */
  readonly process: string;
  readonly acquirers: readonly KnownAcquirer[];
}

// ------------------------------------------------------------------------------------- threads beside the workers --

/** What main says to each of them. */
export type ToAnyThread =
  /** A worker has begun; requests go over this port. */
  | { readonly type: 'worker'; readonly index: number; readonly port: MessagePort }
  | { readonly type: 'tell'; readonly seq: number }
  /** Take nothing new, end what is under way, close. */
  | { readonly type: 'drain' };

/** A port to a worker. */
export type WorkerPort = Extract<ToAnyThread, { type: 'worker' }>;

/** What each of them answers. */
export interface FromAnyThread {
  readonly type: 'told';
  readonly seq: number;
  readonly snapshot: Snapshot;
}

// ------------------------------------------------------------------------------------------------------ workers --

/** What a worker is begun with; requests of main come over `control`. */
export interface WorkerTask {
  readonly setting: Setting;
  readonly agreements: readonly Agreement[];
  readonly suspensions: Suspensions;
  readonly index: number;
  readonly life: number;
  readonly control: MessagePort;
}

export type ToWorkerThread =
  /** Serve a gateway over this port. */
  | { readonly type: 'attach'; readonly port: MessagePort }
  /** Metrics only for a scrape: reading them begins a new period of what is told since the last. */
  | { readonly type: 'tell'; readonly seq: number; readonly withMetrics: boolean }
  /** All agreements, as they now are. */
  | { readonly type: 'agreements'; readonly agreements: readonly Agreement[] }
  /** Who of all sellers is suspended, or of those that have changed. */
  | { readonly type: 'suspensions'; readonly suspensions: Suspensions }
  /** Take no shards any more: a shard of another worker has stopped that another node has. */
  | { readonly type: 'standAside' }
  /** Answer what is under way, as far as it is answered in that time, flush, give the shards up, and return. */
  | { readonly type: 'stop'; readonly withinMs: number };

export interface WorkerTold {
  readonly seq: number;
  readonly shards: readonly ShardStatus[];
  readonly waitingFor: readonly { readonly shard: number; readonly holder: string | null }[];
  /** Whether it takes no shards any more. */
  readonly standsAside: boolean;
  readonly snapshot: Snapshot | null;
}

// ---------------------------------------------------------------------------------------------------------- TLS --

export interface TlsTask {
  readonly setting: Setting;
  readonly gatewayPort: number;
}

export type FromTlsThread =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'failed'; readonly reason: string };

// ----------------------------------------------------------------------------------------------------- gateways --

export interface GatewayTask {
  readonly setting: Setting;
  readonly drivers: Loaded;
  readonly index: number;
  readonly port: number;
  /** Those that have not ended. */
  readonly tariffs: readonly ToldTariff[];
  /** Signatures of requests that have been used: shared by all gateways. */
  readonly replays: SharedArrayBuffer;
  /** Wall clock: when the memory of them began. */
  readonly signedSince: number;
}

/** Whether the switch serves, and what it waits for. */
export interface SwitchState {
  readonly ready: boolean;
  readonly node: string;
  readonly shards: Readonly<Record<string, number>>;
  /** What an operator should know, where it is not ready. */
  readonly waitsFor: readonly string[];
}

export type ToGatewayThread =
  | ToAnyThread
  | DriverAsked
  | { readonly type: 'state'; readonly state: SwitchState }
  /** Whether main hears of the directory's changes, and what has changed; null: anything may have. */
  | {
      readonly type: 'directory';
      readonly isHearing: boolean;
      readonly changes: readonly DirectoryChange[] | null;
    }
  /** Tariffs that have changed; or, as a whole, all that there are. */
  | {
      readonly type: 'tariffs';
      readonly tariffs: readonly ToldTariff[];
      readonly isWhole: boolean;
    }
  /** What another gateway has taken of limits; null: it has begun anew. */
  | { readonly type: 'used'; readonly gateway: number; readonly uses: readonly Use[] | null }
  /** Null: they could not be collected. */
  | { readonly type: 'metrics'; readonly seq: number; readonly text: string | null }
  /** Null: there is no such address; undefined: nobody could read it. */
  | {
      readonly type: 'replied';
      readonly seq: number;
      readonly reply: AcquirerReply | null | undefined;
    };

export type FromGatewayThread =
  | FromAnyThread
  | AskDriver
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'failed'; readonly reason: string }
  | { readonly type: 'used'; readonly uses: readonly Use[] }
  | { readonly type: 'metrics'; readonly seq: number }
  /** Somebody has posted to the address of an acquirer's notifications. */
  | {
      readonly type: 'posted';
      readonly seq: number;
      readonly token: string;
      readonly posted: PostedToAcquirer;
    };

// ----------------------------------------------------------------------------------------------------- webhooks --

export interface WebhookTask {
  readonly setting: Setting;
  readonly drivers: Loaded;
}

export type ToWebhookThread =
  | ToAnyThread
  | DriverAsked
  /** Which shards this node owns. */
  | { readonly type: 'shards'; readonly shards: readonly number[] }
  /** Endpoints may have changed. */
  | { readonly type: 'look' };

export type FromWebhookThread = FromAnyThread | AskDriver | { readonly type: 'begun' };

// ---------------------------------------------------------------------------------------------------- acquirers --

export interface AcquirerTask {
  readonly setting: Setting;
  readonly file: AcquirerFile;
}

export type ToAcquirerThread =
  | ToAnyThread
  | {
      readonly type: 'posted';
      readonly seq: number;
      readonly token: string;
      readonly posted: PostedToAcquirer;
    };

export type FromAcquirerThread =
  | FromAnyThread
  | { readonly type: 'begun' }
  | { readonly type: 'replied'; readonly seq: number; readonly reply: AcquirerReply | null };
