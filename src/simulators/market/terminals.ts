// Simulated terminals: tills that sell at their rate, and know at the end what each sale must have come to.

import { setTimeout as pause } from 'node:timers/promises';
import { Caller } from './caller.ts';
import { closing, report } from './closing.ts';
import { Hearing } from './hearing.ts';
import type { MarketOptions, Report, Running } from './options.ts';
import { Party } from './party.ts';
import { chanceOf, type TerminalRates } from './rates.ts';
import { live, type Sale, type SaleContext, saleOf } from './sale.ts';
import { Beats, Places } from './schedule.ts';
import { Tally } from './tally.ts';
import { compareSales } from './terminal-books.ts';

const LOOK_MS = 5;
/** Apart from all lives. */
const HEARING = -1;

export interface ShownCode {
  /** What a wallet scans. */
  readonly qr: string;
  readonly billId: string;
  readonly orderId: string;
}

export interface TerminalsOptions extends MarketOptions {
  readonly rates: TerminalRates;
  /** How long new sales begin. */
  readonly seconds: number;
  /** How long a till waits for its money before it gives the sale up. */
  readonly waitMs: number;
  readonly currency: string;
  readonly show: (code: ShownCode) => void;
}

export interface RunningTerminals extends Running {
  /** All sales, to compare with the books of wallets. */
  readonly sales: readonly Sale[];
}

/** Rejects with `NoSwitch` where nothing can be begun; its report, with `RunUsed` where there are orders of its run. */
export async function simulateTerminals(options: TerminalsOptions): Promise<RunningTerminals> {
  const tally = new Tally();
  const sales: Sale[] = [];
  const byBill = new Map<string, Sale>();
  const hearing = new Hearing({
    tally,
    random: chanceOf(options.seed, HEARING),
    ackTwice: options.rates.ackTwice,
    onEvent: (event) => {
      const sale = byBill.get(event.billId);
      sale?.hear(event);
      return sale !== undefined;
    },
  });
  const parties = await openAll(options, hearing);
  const places = new Places(options.count, tally.lateness);
  const began = performance.now();
  let isStopped = false;
  let failure: unknown;
  const giveUp = (why: unknown): void => {
    failure ??= why;
    isStopped = true;
  };
  const contexts = parties.map((party) => contextOf(party, options, tally, byBill));
  const sell = async (): Promise<void> => {
    const beats = new Beats(options.rate);
    // However late a machine that is busy is with them.
    const wanted = Math.ceil(options.rate * options.seconds);
    while (!isStopped && sales.length < wanted) {
      for (let dueAt = beats.next(); dueAt !== null; dueAt = beats.next()) {
        if (sales.length === wanted) break;
        const random = chanceOf(options.seed, sales.length);
        const sale = saleOf(sales.length, options.run, random);
        const context = contexts[sale.no % contexts.length];
        sales.push(sale);
        if (context === undefined) continue;
        places.begin(() => live(sale, context, random).catch(giveUp), dueAt);
      }
      await pause(LOOK_MS);
    }
    await places.idle();
    await Promise.all(contexts.map(({ caller }) => caller.quiet()));
  };
  const end = async (): Promise<Report> => {
    try {
      await sell();
      if (failure !== undefined) throw failure;
      const closed = { hearings: [hearing], parties, tally };
      const findings = await closing(options.graceMs, closed, (from) =>
        compareSales(sales, parties, { run: options.run, from }),
      );
      return report({ simulated: 'terminals', options, tally, began, findings });
    } finally {
      for (const party of parties) party.close();
      hearing.close();
    }
  };
  return {
    tally,
    sales,
    underWay: () => places.underWay,
    stop: () => {
      isStopped = true;
    },
    report: end(),
  };
}

function openAll(options: TerminalsOptions, hearing: Hearing): Promise<Party[]> {
  const { baseUrl, transport, keys } = options;
  return Promise.all(
    keys.map((key) => Party.open({ baseUrl, api: 'terminal', key, transport }, hearing)),
  );
}

function contextOf(
  party: Party,
  options: TerminalsOptions,
  tally: Tally,
  byBill: Map<string, Sale>,
): SaleContext {
  const { rates, patienceMs, waitMs, currency, show } = options;
  return {
    caller: new Caller({ links: party.links, rates, tally, patienceMs }),
    tally,
    rates,
    patienceMs,
    waitMs,
    currency,
    show: (sale, qr) => {
      byBill.set(sale.billId, sale);
      show({ qr, billId: sale.billId, orderId: sale.orderId });
    },
    drop: (no) => {
      if (party.drop(no)) tally.fault('drop');
    },
  };
}
