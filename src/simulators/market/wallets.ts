// Simulated wallets: customers who scan what they are shown, pay it or do not, and get money back.

import { setTimeout as pause } from 'node:timers/promises';
import { Caller } from './caller.ts';
import { closing, report } from './closing.ts';
import { giveBack } from './giving-back.ts';
import { Hearing } from './hearing.ts';
import { type Json, textOf } from './link.ts';
import type { MarketOptions, Report, Running } from './options.ts';
import { Party } from './party.ts';
import { type PurchaseContext, purchase } from './purchase.ts';
import { chanceOf, happens, type WalletRates } from './rates.ts';
import { Beats, Places } from './schedule.ts';
import { Tally } from './tally.ts';
import { comparePayments, WalletBooks } from './wallet-books.ts';

const LOOK_MS = 5;
const HEARING = -1;
/** Lives of second scanners lie apart from those of the first. */
const RIVALS_FROM = 500_000_000;
/** And so do the dice of who scans twice. */
const SCANS_BEFORE = -1_000;

export interface WalletsOptions extends MarketOptions {
  readonly rates: WalletRates;
  /** What there is to scan; the wallets end when it does. */
  readonly codes: AsyncIterable<string>;
}

export interface RunningWallets extends Running {
  readonly books: WalletBooks;
}

/** Everything of one paychannel. */
interface Channel {
  readonly party: Party;
  readonly hearing: Hearing;
  readonly context: PurchaseContext;
}

/** Rejects with `NoSwitch` where nothing can be begun. */
export async function simulateWallets(options: WalletsOptions): Promise<RunningWallets> {
  const tally = new Tally();
  const books = new WalletBooks(tally);
  const crediting = new Set<Promise<void>>();
  const channels = await Promise.all(
    options.keys.map((key, no) => openChannel({ key, no, options, tally, books, crediting })),
  );
  const places = new Places(options.count, tally.lateness);
  const began = performance.now();
  let stop = (): void => undefined;
  const stopped = new Promise<null>((done) => {
    stop = () => done(null);
  });
  const end = async (): Promise<Report> => {
    try {
      // Where the codes break off, what has begun is ended all the same.
      await scanAll(options, channels, places, stopped).finally(() => places.idle());
      await Promise.all(channels.map(({ context }) => context.caller.quiet()));
      const closed = {
        hearings: channels.map(({ hearing }) => hearing),
        parties: channels.map(({ party }) => party),
        tally,
      };
      const findings = await closing(options.graceMs, closed, async (from) => {
        await Promise.all(crediting);
        return comparePayments(books, closed.parties, { run: options.run, from });
      });
      return report({ simulated: 'wallets', options, tally, began, findings });
    } finally {
      for (const { party, hearing } of channels) {
        party.close();
        hearing.close();
      }
    }
  };
  return { tally, books, underWay: () => places.underWay, stop, report: end() };
}

async function openChannel(of: {
  readonly key: string;
  readonly no: number;
  readonly options: WalletsOptions;
  readonly tally: Tally;
  readonly books: WalletBooks;
  readonly crediting: Set<Promise<void>>;
}): Promise<Channel> {
  const { key, no, options, tally, books, crediting } = of;
  const { baseUrl, transport, rates, run, seed, patienceMs } = options;
  let context: PurchaseContext | null = null;
  const hearing = new Hearing({
    tally,
    random: chanceOf(seed, HEARING - no),
    ackTwice: rates.ackTwice,
    onEvent: (event) => {
      if (context === null) return false;
      const { credit, payment } = event.data as Record<string, Json | undefined>;
      const part = credit ?? payment;
      const isOurs = part === undefined || books.payments.has(textOf(part, 'paymentRef'));
      if (event.type !== 'credit.requested') return isOurs;
      const done = giveBack(event, context, seed).finally(() => crediting.delete(done));
      crediting.add(done);
      return isOurs;
    },
  });
  const party = await Party.open({ baseUrl, api: 'paychannel', key, transport }, hearing);
  context = {
    caller: new Caller({ links: party.links, rates, tally, patienceMs }),
    tally,
    rates,
    books,
    patienceMs,
    channel: no,
    run,
    drop: (life) => {
      if (party.drop(life)) tally.fault('drop');
    },
  };
  return { party, hearing, context };
}

/** Until there are no more codes, or somebody says that it is enough. */
async function scanAll(
  options: WalletsOptions,
  channels: readonly Channel[],
  places: Places,
  stopped: Promise<null>,
): Promise<void> {
  const { codes, rate, rates, seed } = options;
  const beats = rate > 0 ? new Beats(rate) : null;
  const begin = (qr: string, no: number): void => {
    const context = channels[no % channels.length]?.context;
    const random = chanceOf(seed, no);
    if (context !== undefined) places.begin(() => purchase(qr, no, context, random));
  };
  const coming = codes[Symbol.asyncIterator]();
  for (let scans = 0; ; scans++) {
    const code = await Promise.race([coming.next(), stopped]);
    if (code === null || code.done === true) return;
    while (beats !== null && beats.next() === null) await pause(LOOK_MS);
    begin(code.value, scans);
    if (!happens(chanceOf(seed, SCANS_BEFORE - scans), rates.rival)) continue;
    channels[0]?.context.tally.fault('rival');
    begin(code.value, RIVALS_FROM + scans);
  }
}
