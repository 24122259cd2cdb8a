// What `qrswitch simulate wallets`, `terminals` and `shop` are told on the command line.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { readConfig } from '../config.ts';
import type { Api, Transport } from '../simulators/market/link.ts';
import { MARKET_DEFAULTS, type MarketOptions } from '../simulators/market/options.ts';
import { calm } from '../simulators/market/rates.ts';
import { CommandFailure, Misuse } from './io.ts';

const SECOND_MS = 1_000;

/** How it is ended before its time: by a signal, or by what a test gives in its place. */
export type Ending = (end: () => void) => void;

export interface MarketFlags {
  readonly url?: string;
  readonly demo?: string;
  readonly transport: Transport;
  readonly count: number;
  readonly rate: number;
  readonly seed: number;
  readonly run?: string;
  readonly fault: Readonly<Record<string, number>>;
  readonly calm?: boolean;
  readonly patience: number;
  readonly grace: number;
  readonly json?: boolean;
}

/** What all of them take. */
export function withMarket(
  command: Command,
  of: { readonly count: string; readonly rate: string; readonly rates: readonly [number, number] },
): Command {
  const [rateMin, rate] = of.rates;
  const { transport, count, seed, patienceMs, graceMs } = MARKET_DEFAULTS;
  return command
    .option('--url <address>', 'of the switch; left out: the demo’s')
    .option('--demo <file>', 'where ./start has written its keys; left out: demo.json in .data')
    .addOption(
      new Option('--transport <transport>', 'how they talk to it')
        .choices(['http', 'websocket', 'both'])
        .default(transport),
    )
    .option('--count <n>', of.count, wholeFrom(1), count)
    .option('--rate <n>', of.rate, numberFrom(rateMin), rate)
    .option('--seed <n>', 'of all dice: the same one deals the same', wholeFrom(0), seed)
    .option('--run <name>', 'begins all references; left out: the time')
    .option(
      '--fault <name=rate>',
      'how often something goes wrong, from 0 to 1; several times',
      faultOption,
      {},
    )
    .option('--calm', 'nothing goes wrong but what --fault names')
    .option(
      '--patience <s>',
      'how long calls are sent again',
      numberFrom(1),
      patienceMs / SECOND_MS,
    )
    .option(
      '--grace <s>',
      'how long books may differ at the end before they do',
      numberFrom(0),
      graceMs / SECOND_MS,
    )
    .option('--json', 'for programs: the summary as JSON');
}

/** Those of its options that are the market's. */
export function marketOf(
  flags: MarketFlags,
  keys: readonly string[],
  baseUrl: string,
): MarketOptions {
  return {
    baseUrl,
    keys,
    transport: flags.transport,
    count: flags.count,
    rate: flags.rate,
    seed: flags.seed,
    run: flags.run ?? `sim${Date.now().toString(36)}`,
    patienceMs: flags.patience * SECOND_MS,
    graceMs: flags.grace * SECOND_MS,
  };
}

interface Demo {
  readonly baseUrl: string;
  readonly terminal: { readonly key: string };
  readonly paychannel: { readonly key: string };
}

/** Where the switch is, and with which keys to talk to it: those given, or the demo's. */
export function targetOf(
  flags: MarketFlags,
  given: Readonly<Partial<Record<Api, readonly string[]>>>,
): { readonly baseUrl: string } & Readonly<Record<Api, readonly string[]>> {
  const terminal = given.terminal ?? [];
  const paychannel = given.paychannel ?? [];
  const isWhole = Object.values(given).every((keys) => keys.length > 0);
  if (flags.url !== undefined && isWhole)
    return { baseUrl: baseOf(flags.url), terminal, paychannel };
  const demo = readDemo(flags.demo ?? join(readConfig(undefined, []).dataDir, 'demo.json'));
  return {
    baseUrl: baseOf(flags.url ?? demo.baseUrl),
    terminal: terminal.length > 0 ? terminal : [demo.terminal.key],
    paychannel: paychannel.length > 0 ? paychannel : [demo.paychannel.key],
  };
}

/** The rates, with those of the command line put into their places; what is in none of them is refused. */
export function ratesFrom<Rates extends Readonly<Record<string, number>>>(
  flags: MarketFlags,
  defaults: Rates,
): Readonly<Record<keyof Rates, number>> {
  const rates: Record<string, number> = flags.calm === true ? calm(defaults) : { ...defaults };
  for (const [name, rate] of Object.entries(flags.fault)) if (name in rates) rates[name] = rate;
  return rates as Record<keyof Rates, number>;
}

/** `names`: all that there are for this command. */
export function checkFaults(flags: MarketFlags, names: readonly string[]): void {
  const unknown = Object.keys(flags.fault).filter((name) => !names.includes(name));
  if (unknown.length === 0) return;
  throw new Misuse(`--fault: there is no ${unknown.join(', ')}; there are ${names.join(', ')}.`);
}

function readDemo(file: string): Demo {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Demo;
  } catch (error) {
    throw new CommandFailure(
      `no keys: ${file} cannot be read. Give --url and --key, or run ./start first.`,
      { cause: error },
    );
  }
}

function baseOf(url: string): string {
  const base = URL.canParse(url) ? new URL(url) : null;
  if (base?.protocol !== 'http:' && base?.protocol !== 'https:') {
    throw new Misuse(`--url: ${url} is no http or https address.`);
  }
  return base.origin;
}

export function numberFrom(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value) || value < least) {
      throw new InvalidArgumentError(`It must be a number from ${least}.`);
    }
    return value;
  };
}

function wholeFrom(least: number): (text: string) => number {
  return (text) => {
    const value = numberFrom(least)(text);
    if (!Number.isSafeInteger(value)) throw new InvalidArgumentError('It must be a whole number.');
    return value;
  };
}

/** Adds a key to those before it. */
export function keyOption(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

function faultOption(
  text: string,
  before: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const [name = '', rate = ''] = text.split('=');
  const value = Number(rate);
  if (name === '' || rate === '' || !(value >= 0 && value <= 1)) {
    throw new InvalidArgumentError('It must be a name, = and a number from 0 to 1.');
  }
  return { ...before, [name]: value };
}
