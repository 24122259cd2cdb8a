// Three acquirers, one an institution, with a simulated bank behind each: T-Bank, which notifies; Sber with codes of SBP,
// which does too; and Sber with its own codes, polled, whose driver is a package of somebody's in a thread of its own. Their
// answers are lost with and without effect, late, or none of theirs; their notifications come twice, or in another order.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { BookEntry } from '../../src/simulators/control.ts';
import type { Parcel } from '../../src/simulators/courier.ts';
import type { FaultOrder } from '../../src/simulators/faults.ts';
import { startSber } from '../../src/simulators/sber/simulator.ts';
import type { BankSimulator } from '../../src/simulators/simulator.ts';
import { startTbank } from '../../src/simulators/tbank/simulator.ts';
import type { Random } from '../simulation/random.ts';
import { writeShortLivedSber } from '../support/short-lived-driver.ts';
import type { Secret } from './secrets.ts';

/** What one bank has in its books, for the audit. */
export interface BankBook {
  readonly acquirer: string;
  readonly entries: readonly BookEntry[];
}

export interface BanksOptions {
  /** Where the list of acquirers is written. */
  readonly folder: string;
  /** Where the banks reach the switch. */
  readonly port: number;
  /** Ids, in the order of the acquirers. */
  readonly institutions: readonly string[];
  /** Whether calls may take effect when their caller has given them up. */
  readonly canBeLate: boolean;
  readonly random: Random;
}

const TERMINAL = { terminalKey: 'chaosDEMO', password: 'a-password-of-t-bank' };
const CLIENTS = [
  { clientId: 'chaos', clientSecret: 'a-secret-of-sber', memberId: '00000001' },
  { clientId: 'short', clientSecret: 'another-of-sber', memberId: '00000002' },
] as const;
const OUTLET = { idQr: '1000100001', tid: '10000001' };
const TOKENS = ['tbank-n0tificati0n-t0ken', 'sber-n0tificati0n-t0ken'] as const;
/** Below this T-Bank makes no code: the bill fails. */
export const TBANK_MIN = 1_100;
const TIMEOUT_MS = 1_000;
const PACE = { callsPerSecond: 200, callsAtOnce: 32 };
const WEATHER_MS = 150;
/** After so long nobody expects a call to arrive any more: half of it to ask first, an unanswered call, and what is late. */
const SETTLE_MS = 4_000;
const LATE_MS = 400;
const SLOW_MS = [100, 1_500] as const;

export class Bank {
  readonly acquirer: string;
  /** Whether its bills may end within seconds. */
  readonly isShort: boolean;
  readonly simulator: BankSimulator;
  readonly #told: Parcel[] = [];

  constructor(acquirer: string, simulator: BankSimulator) {
    this.acquirer = acquirer;
    this.isShort = acquirer === 'short';
    this.simulator = simulator;
    const { courier } = simulator.bank;
    const send = courier.send.bind(courier);
    courier.send = (parcel) => {
      this.#told.push(parcel);
      send(parcel);
    };
  }

  /** A payer scans the code; false where the bank does not take it. */
  pay(payload: string): boolean {
    return this.simulator.bank.pay(payload) === undefined;
  }

  fail(payload: string): void {
    this.simulator.bank.failAttempt(payload);
  }

  /** Somebody at the bank gives back by hand; false where nothing is left. */
  giveBack(payload: string, amountOf: (left: number) => number): boolean {
    const entry = this.simulator.bank.books().find((each) => each.payload === payload);
    const left = (entry?.paid ?? 0) - (entry?.returned ?? 0);
    if (left < 2) return false;
    return this.simulator.bank.refundByHand(payload, amountOf(left)) === undefined;
  }

  /** Tells everything once more, as a bank does when it is asked to: what was told may have been forgotten by who took it. */
  tellAgain(): void {
    for (const parcel of this.#told.splice(0)) this.simulator.bank.courier.send(parcel);
  }

  get book(): BankBook {
    return { acquirer: this.acquirer, entries: this.simulator.bank.books() };
  }
}

export class Banks {
  readonly all: readonly Bank[];
  /** The list of acquirers, for the switch. */
  readonly file: string;
  readonly #random: Random;
  readonly #canBeLate: boolean;
  #isStormy = false;
  #weather: Promise<void> = Promise.resolve();

  private constructor(banks: readonly Bank[], file: string, { random, canBeLate }: BanksOptions) {
    this.all = banks;
    this.file = file;
    this.#random = random;
    this.#canBeLate = canBeLate;
  }

  static async start(options: BanksOptions): Promise<Banks> {
    const { folder, random } = options;
    const at = (token: string) =>
      `http://127.0.0.1:${options.port}/v1/acquirers/notifications/${token}`;
    const [sber, short] = CLIENTS;
    const seed = random.next();
    const simulators = await Promise.all([
      startTbank({
        terminals: [TERMINAL],
        qrMin: TBANK_MIN,
        refundDelayMs: random.pick([0, 300]),
        orderIdUnique: random.chance(0.7),
        refundAttemptsPerHour: 100,
        refundAttemptsPerDay: 100,
        seed,
      }),
      startSber({
        ...sber,
        outlets: [OUTLET],
        notifyUrl: at(TOKENS[1]),
        sbpConfirmMs: random.pick([0, 300]),
        notificationRetryMs: 500,
        seed,
      }),
      startSber({ ...short, outlets: [OUTLET], seed }),
    ]);
    const urls = simulators.map(({ url }) => url);
    const common = { timeoutMs: TIMEOUT_MS, settleMs: SETTLE_MS };
    const settings = [
      { ...TERMINAL, ...common, baseUrl: urls[0], notificationUrl: at(TOKENS[0]) },
      { ...sber, ...OUTLET, ...common, baseUrl: urls[1], code: 'sbp', isNotified: true },
      { ...short, ...OUTLET, ...common, baseUrl: urls[2], code: 'own' },
    ];
    const names = ['tbank', 'sber', 'short'] as const;
    const acquirers = names.map((name, index) => ({
      name,
      institution: options.institutions[index],
      ...(name === 'short' ? writeShortLivedSber(folder) : { driver: name }),
      settings: settings[index],
      ...(TOKENS[index] === undefined ? {} : { notificationToken: TOKENS[index] }),
      ...PACE,
    }));
    const file = join(folder, 'acquirers.json');
    writeFileSync(file, JSON.stringify({ acquirers }));
    const banks = simulators.map((simulator, i) => new Bank(names[i] ?? '', simulator));
    return new Banks(banks, file, options);
  }

  /** The one that the institution of this number has. */
  of(institution: number): Bank {
    const bank = this.all[institution];
    if (bank === undefined) throw new Error(`institution ${institution} has no acquirer`);
    return bank;
  }

  get books(): BankBook[] {
    return this.all.map(({ book }) => book);
  }

  storm(): void {
    this.#isStormy = true;
    this.#weather = this.#misbehave();
  }

  async calm(): Promise<void> {
    this.#isStormy = false;
    await this.#weather;
    for (const { simulator } of this.all) {
      simulator.bank.faults.clear();
      simulator.bank.courier.copies = 1;
      simulator.bank.courier.release();
      simulator.bank.courier.resend();
    }
  }

  tellAgain(): void {
    for (const bank of this.all) bank.tellAgain();
  }

  async close(): Promise<void> {
    this.#isStormy = false;
    await this.#weather;
    await Promise.all(this.all.map(({ simulator }) => simulator.close()));
  }

  async #misbehave(): Promise<void> {
    while (this.#isStormy) {
      await pause(WEATHER_MS);
      const { faults, courier } = this.#random.pick(this.all).simulator.bank;
      const dice = this.#random.below(10);
      // One at a time: what no call has met is over, or a bank would soon answer nothing at all.
      faults.clear();
      if (dice < 6) faults.add(this.#fault());
      else if (dice === 6) courier.copies = this.#random.between(1, 3);
      else if (dice === 7) courier.hold();
      else if (dice === 8) courier.release();
      else courier.resend();
    }
  }

  #fault(): FaultOrder {
    const random = this.#random;
    const count = random.between(1, 2);
    const effects = this.#canBeLate
      ? (['none', 'now', 'late'] as const)
      : (['none', 'now'] as const);
    const effect = random.pick(effects);
    const late = effect === 'late' ? { delayMs: LATE_MS } : {};
    const dice = random.below(10);
    if (dice < 5) return { kind: 'lost', effect, count, ...late };
    if (dice < 7) {
      return { kind: 'slow', effect: 'now', delayMs: random.between(...SLOW_MS), count };
    }
    if (dice === 7) return { kind: 'status', status: 429, effect: 'none', retryAfterS: 1 };
    const status = random.pick([200, 500, 502, 503, 504]);
    return { kind: 'status', status, effect, count, ...late };
  }
}

/** What no log may tell of them. */
export function secretsOfBanks(): Secret[] {
  return [
    { what: 'the password at T-Bank', text: TERMINAL.password },
    ...CLIENTS.map(({ clientSecret }) => ({ what: 'the secret at Sber', text: clientSecret })),
    ...TOKENS.map((text) => ({ what: 'the address that a bank posts to', text })),
  ];
}
