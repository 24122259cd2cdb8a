// What the sender of webhooks is given and what it tells.

import type { Listings } from '../../switch/listings-port.ts';
import type { Clock } from '../../switch/ports.ts';
import type { Presenter, ShardDoor } from '../../switch/requests.ts';
import type { WebhookBook } from '../../switch/webhooks/ports.ts';
import { RETRY_WAITS_MS } from '../../switch/webhooks/schedule.ts';
import type { DeliveryWays } from '../../switch/webhooks/ways.ts';
import type { GatewayLog } from '../gateway/options.ts';

/** Called as things happen; must not throw. */
export interface WebhookMetrics {
  /** How one attempt ended, as its way calls it: of a webhook, its status class, or why there is none. */
  delivered(outcome: string, durationMs: number): void;
  died(count: number): void;
}

/** Levels, for a scrape. */
export interface WebhookStats {
  readonly endpoints: number;
  readonly pending: number;
  readonly breakersOpen: number;
}

export interface WebhookLimits {
  /** Requests under way to one endpoint. */
  readonly parallel: number;
  /** Requests under way to all of them; of one institution no more than are left free. */
  readonly parallelInAll: number;
  /** Holders whose pending events are read at once. */
  readonly readsAtOnce: number;
  /** Events that one endpoint is owed beside what is pending, and that are held in memory: of more, letters alone tell. */
  readonly owedHeld: number;
  /** All waits before another attempt are multiplied by it; 1: as published. */
  readonly pace: number;
}

export const WEBHOOK_LIMITS: WebhookLimits = {
  parallel: 16,
  parallelInAll: 2_000,
  readsAtOnce: 32,
  owedHeld: 1_000,
  pace: 1,
};

export interface WebhookOptions {
  readonly door: ShardDoor;
  readonly listings: Listings;
  readonly presenter: Presenter;
  readonly clock: Clock;
  readonly book: WebhookBook;
  readonly ways: DeliveryWays;
  readonly log: GatewayLog;
  readonly metrics: WebhookMetrics;
  readonly limits: WebhookLimits;
  /** A new request id. */
  readonly newRequestId: () => string;
  /** A number from 0 up to 1. */
  readonly chance: () => number;
}

/** What all waits are multiplied by, where the first is to be this. */
export function webhookPace(firstRetryMs: number): number {
  return firstRetryMs / (RETRY_WAITS_MS[0] ?? firstRetryMs);
}
