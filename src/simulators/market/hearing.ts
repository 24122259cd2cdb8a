// Events as a careful receiver takes them: each once, whoever brings it how often, in the order of its bill, and
// acknowledged in the end.

import type { SeededRandom } from '../random.ts';
import type { HttpLink } from './http-link.ts';
import type { Api, Json, Link, PushedEvent } from './link.ts';
import { textOf } from './link.ts';
import { happens } from './rates.ts';
import type { Tally } from './tally.ts';

const ACKNOWLEDGE_MS = 10;
const POLL_AGAIN_MS = 200;
const POLL_WAIT_S = 5;
const PAGE = 100;

export interface HearingOptions {
  readonly tally: Tally;
  readonly random: SeededRandom;
  /** How often an acknowledgement is sent twice. */
  readonly ackTwice: number;
  /** Each event once, and in the order of its bill. Answers whether it is one of this run. */
  readonly onEvent: (event: PushedEvent) => boolean;
}

export class Hearing {
  readonly #options: HearingOptions;
  /** What each event said when it was first heard. */
  readonly #heard = new Map<string, string>();
  readonly #versions = new Map<string, number>();
  readonly #unacknowledged = new Map<Link, string[]>();
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(options: HearingOptions) {
    this.#options = options;
  }

  has(id: string): boolean {
    return this.#heard.has(id);
  }

  /** It is heard; whoever calls acknowledges it. */
  take(event: PushedEvent): void {
    const { tally, onEvent } = this.#options;
    const said = sayingOf(event);
    const before = this.#heard.get(event.id);
    if (before !== undefined) {
      tally.done('events heard again');
      if (before !== said) {
        tally.contradiction(`event ${event.id} said ${before}, then ${said}`);
      }
      return;
    }
    this.#heard.set(event.id, said);
    tally.done('events heard');
    const version = this.#versions.get(event.billId) ?? 0;
    if (event.billVersion < version) {
      tally.contradiction(
        `event ${event.id} of version ${event.billVersion} came after one of ${version}`,
      );
    }
    this.#versions.set(event.billId, Math.max(version, event.billVersion));
    if (onEvent(event)) tally.sawTime(event.occurredAt);
    else tally.done('events of others');
  }

  /** All of some milliseconds in one call, by the link that brought them. */
  acknowledgeSoon(id: string, link: Link): void {
    const ids = this.#unacknowledged.get(link) ?? [];
    ids.push(id);
    this.#unacknowledged.set(link, ids);
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      const waiting = [...this.#unacknowledged];
      this.#unacknowledged.clear();
      for (const [by, all] of waiting) void this.acknowledge(all, by);
    }, ACKNOWLEDGE_MS);
  }

  /** Where it is lost the events come again. */
  async acknowledge(ids: readonly string[], link: Link): Promise<void> {
    const { tally, random, ackTwice } = this.#options;
    if (ids.length === 0) return;
    const isTwice = happens(random, ackTwice);
    if (isTwice) tally.fault('ackTwice');
    for (let time = 0; time < (isTwice ? 2 : 1); time++) {
      const began = performance.now();
      const status = await link.ask('event.ack', { ids }).then(
        (answer) => String(answer.status),
        () => 'lost',
      );
      if (!this.#isClosed) tally.answered('event.ack', status, performance.now() - began);
    }
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}

/** Asks for what is pending, one long poll after the other, until it is told to stop. */
export async function poll(
  hearing: Hearing,
  of: { readonly api: Api; readonly link: HttpLink },
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    const events = await pending(of.api, of.link, POLL_WAIT_S).catch(() => null);
    if (isOver()) return;
    if (events === null) {
      await new Promise((done) => setTimeout(done, POLL_AGAIN_MS));
      continue;
    }
    for (const event of events) hearing.take(event);
    const ids = events.map(({ id }) => id);
    await hearing.acknowledge(ids, of.link);
  }
}

/** What is pending now, or within so many seconds. Rejects where that is not told. */
export async function pending(api: Api, link: HttpLink, waitS: number): Promise<PushedEvent[]> {
  const { status, body } = await link.get(`/v1/${api}/events?limit=${PAGE}&wait=${waitS}`);
  if (status !== 200) throw new Error(`events were answered ${status}`);
  return (body as { events: PushedEvent[] }).events;
}

/** What must be the same in every copy. */
function sayingOf({ type, billId, billVersion, data }: PushedEvent): string {
  const { bill, payment, credit } = data as Record<string, Json | undefined>;
  return [
    `${type} ${billId} v${billVersion}`,
    `${String(bill?.status)} ${String(bill?.paid)}`,
    payment === undefined ? '' : `${textOf(payment, 'id')} ${String(payment.amount)}`,
    credit === undefined ? '' : `${textOf(credit, 'id')} ${String(credit.amount)}`,
  ].join(' | ');
}
