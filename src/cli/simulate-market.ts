// `qrswitch simulate terminals`, `wallets` and `shop`: a market on one's own machine, against a running switch.
//
//   qrswitch simulate terminals --rate 50 | qrswitch simulate wallets --count 200

import { once } from 'node:events';
import { createReadStream, createWriteStream, type ReadStream, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Command } from 'commander';
import { NoSwitch } from '../simulators/market/link.ts';
import type { Report } from '../simulators/market/options.ts';
import { TERMINAL_RATES, WALLET_RATES } from '../simulators/market/rates.ts';
import { RunUsed } from '../simulators/market/sale.ts';
import { isInOrder, type ShopReport, simulateShop } from '../simulators/market/shop.ts';
import { type ShownCode, simulateTerminals } from '../simulators/market/terminals.ts';
import { simulateWallets } from '../simulators/market/wallets.ts';
import { CommandFailure, type Io, type Output } from './io.ts';
import {
  checkFaults,
  type Ending,
  keyOption,
  type MarketFlags,
  marketOf,
  numberFrom,
  ratesFrom,
  targetOf,
  withMarket,
} from './simulate-options.ts';
import { showProgress, type Watched, writeBooks, writeReport } from './simulate-report.ts';

const STREAM = '-';
const SECOND_MS = 1_000;
const SECONDS = 30;
const WAIT_S = 10;
const RATE = 20;
const RATE_MIN = 0.01;
/** Told to end, wallets go on for so long: tills end their sales, too. */
const GO_ON_MS = 20_000;
const TERMINAL_SHOWN = ['bills created', 'bills paid', 'bills confirmed', 'refunds'];
const WALLET_SHOWN = ['codes scanned', 'payments taken', 'credits settled'];

interface PartyFlags extends MarketFlags {
  readonly key: readonly string[];
  readonly codes: string;
}

interface TerminalFlags extends PartyFlags {
  readonly for: number;
  readonly wait: number;
  readonly currency: string;
}

interface ShopFlags extends MarketFlags {
  readonly terminalKey: readonly string[];
  readonly walletKey: readonly string[];
  readonly for: number;
  readonly wait: number;
  readonly currency: string;
}

/** Where the terminals' codes come from when no file is named. */
export type Input = NodeJS.ReadableStream;

export function terminalsCommand(io: Io, ending: Ending): Command {
  const command = new Command('terminals')
    .description('imitates tills: bills are made, shown, confirmed, cancelled, refunded')
    .option('--codes <file>', 'where codes go, one JSON object a line; -: the output', STREAM);
  return withSelling(withKeys(command, 'terminal')).action(async (flags: TerminalFlags) => {
    checkFaults(flags, Object.keys(TERMINAL_RATES));
    const target = targetOf(flags, { terminal: flags.key });
    const codes = await codesTo(flags.codes, io);
    const running = await simulateTerminals({
      ...marketOf(flags, target.terminal, target.baseUrl),
      rates: ratesFrom(flags, TERMINAL_RATES),
      seconds: flags.for,
      waitMs: flags.wait * SECOND_MS,
      currency: flags.currency,
      show: codes.show,
    }).catch(refused);
    codes.onGone(() => running.stop());
    ending(() => running.stop());
    const { tally } = running;
    const report = await reportOf(
      io,
      [{ name: 'terminals', tally, shown: TERMINAL_SHOWN }],
      running,
    );
    await codes.end();
    // The codes have the output to themselves.
    show(flags.codes === STREAM ? io.stderr : io.stdout, flags, report);
  });
}

export function walletsCommand(io: Io, ending: Ending, input: () => Input): Command {
  const command = new Command('wallets')
    .description('imitates wallets: codes are scanned, reserved, paid or not, and credited')
    .option(
      '--codes <file>',
      'where codes come from, one JSON object a line; -: the input',
      STREAM,
    );
  const withAll = withMarket(withKeys(command, 'paychannel'), {
    count: 'wallets: each does one thing at a time',
    rate: 'codes scanned a second at most; 0: as they come',
    rates: [0, 0],
  });
  return withAll.action(async (flags: PartyFlags) => {
    checkFaults(flags, Object.keys(WALLET_RATES));
    const target = targetOf(flags, { paychannel: flags.key });
    const { codes } = flags;
    const from = codes === STREAM ? input() : await opened(createReadStream(codes), codes);
    const running = await simulateWallets({
      ...marketOf(flags, target.paychannel, target.baseUrl),
      rates: ratesFrom(flags, WALLET_RATES),
      codes: codesFrom(from),
    }).catch(refused);
    ending(() => setTimeout(() => running.stop(), GO_ON_MS).unref());
    const { tally } = running;
    const report = await reportOf(io, [{ name: 'wallets', tally, shown: WALLET_SHOWN }], running);
    show(io.stdout, flags, report);
  });
}

export function shopCommand(io: Io, ending: Ending): Command {
  const command = new Command('shop')
    .description('imitates both, and holds their books against each other, too')
    .option('--terminal-key <key>', 'of a terminal; several times', keyOption, [])
    .option('--wallet-key <key>', 'of a paychannel; several times', keyOption, []);
  return withSelling(command).action(async (flags: ShopFlags) => {
    checkFaults(flags, Object.keys({ ...TERMINAL_RATES, ...WALLET_RATES }));
    const { terminalKey: terminal, walletKey: paychannel } = flags;
    const target = targetOf(flags, { terminal, paychannel });
    const market = marketOf(flags, target.terminal, target.baseUrl);
    const running = await simulateShop({
      terminals: {
        ...market,
        rates: ratesFrom(flags, TERMINAL_RATES),
        seconds: flags.for,
        waitMs: flags.wait * SECOND_MS,
        currency: flags.currency,
      },
      // Codes are scanned as they come.
      wallets: {
        ...market,
        rate: 0,
        keys: target.paychannel,
        rates: ratesFrom(flags, WALLET_RATES),
      },
    }).catch(refused);
    ending(() => running.stop());
    const { terminals, wallets } = running.tallies;
    const watched = [
      { name: 'terminals', tally: terminals, shown: TERMINAL_SHOWN },
      { name: 'wallets', tally: wallets, shown: WALLET_SHOWN },
    ];
    const report = await reportOf(io, watched, running);
    showShop(io.stdout, flags, report);
  });
}

function withKeys(command: Command, party: string): Command {
  return command.option(
    '--key <key>',
    `of a ${party}; several times for several; left out: the demo’s`,
    keyOption,
    [],
  );
}

function withSelling(command: Command): Command {
  return withMarket(command, {
    count: 'tills, and wallets: each does one thing at a time',
    rate: 'sales begun a second, whatever becomes of those before',
    rates: [RATE_MIN, RATE],
  })
    .option('--for <s>', 'how long sales begin', numberFrom(0), SECONDS)
    .option('--wait <s>', 'how long a till waits for its money', numberFrom(0), WAIT_S)
    .option('--currency <code>', 'of the bills', 'EUR');
}

/** With its progress shown meanwhile, and no longer, whatever comes of it. */
async function reportOf<Ended>(
  io: Io,
  watched: readonly Watched[],
  running: { underWay(): number; readonly report: Promise<Ended> },
): Promise<Ended> {
  const stop = showProgress(io.stderr, watched, () => running.underWay());
  try {
    return await running.report.catch(refused);
  } finally {
    stop();
  }
}

function show(stream: Output, { json }: MarketFlags, report: Report): void {
  if (json === true) stream.write(`${JSON.stringify(report, null, 2)}\n`);
  else writeReport(stream, report);
  if (!report.books.agree) throw new CommandFailure('the books differ.');
}

function showShop(stream: Output, { json }: MarketFlags, report: ShopReport): void {
  const { terminals, wallets, between } = report;
  if (json === true) {
    stream.write(`${JSON.stringify(report, null, 2)}\n`);
  } else {
    for (const each of [terminals, wallets]) {
      writeReport(stream, each);
      stream.write('\n');
    }
    const agree = between.length === 0;
    writeBooks(stream, 'terminals, of the wallets', { agree, compared: {}, differences: between });
  }
  if (!isInOrder(report)) throw new CommandFailure('the books differ.');
}

interface Codes {
  show(code: ShownCode): void;
  /** Nobody reads them any more. */
  onGone(then: () => void): void;
  end(): Promise<void>;
}

async function codesTo(file: string, io: Io): Promise<Codes> {
  const isShared = file === STREAM;
  const stream: Output = isShared ? io.stdout : await opened(createWriteStream(file), file);
  let isGone = false;
  let then = (): void => undefined;
  stream.on('error', () => {
    isGone = true;
    then();
  });
  return {
    show: (code) => {
      if (!isGone) stream.write(`${JSON.stringify(code)}\n`);
    },
    onGone: (callback) => {
      then = callback;
      if (isGone) callback();
    },
    end: () =>
      isShared || isGone ? Promise.resolve() : new Promise((done) => stream.end(() => done())),
  };
}

/** Of a pipe with a name: once somebody is at its other end. */
async function opened<Stream extends ReadStream | WriteStream>(
  stream: Stream,
  file: string,
): Promise<Stream> {
  await once(stream, 'open').catch((error: Error) => {
    throw new CommandFailure(`--codes: ${file}: ${error.message}`, { cause: error });
  });
  return stream;
}

/** A line is a JSON object with a `qr`, or the scanned text itself. */
async function* codesFrom(input: Input): AsyncGenerator<string> {
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    const text = line.trim();
    if (text !== '') yield text.startsWith('{') ? qrOf(text) : text;
  }
}

function qrOf(line: string): string {
  try {
    const { qr } = JSON.parse(line) as { qr?: unknown };
    if (typeof qr === 'string') return qr;
  } catch {
    // Said below.
  }
  throw new CommandFailure(`a line of the codes is no JSON object with a qr: ${line}`);
}

function refused(error: unknown): never {
  if (error instanceof RunUsed) {
    const said = `${error.message}. Give --run another, or leave it out.`;
    throw new CommandFailure(said, { cause: error });
  }
  if (error instanceof NoSwitch) throw new CommandFailure(`${error.message}.`, { cause: error });
  throw error;
}
