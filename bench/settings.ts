// The options of the subcommands that put the lifecycle load on the switch; main.ts tells them.

import { parseArgs } from 'node:util';
import type { Protocol } from './load/messages.ts';

const PROTOCOLS: readonly Protocol[] = ['ws-msgpack', 'ws-json', 'http'];
/** Who runs beside the switch; `hot` is the case of one hot bill, ours and in SQL. */
const PEERS = ['pgbench', 'fastify', 'uws', 'echo', 'redis', 'hot'] as const;
export type Peer = (typeof PEERS)[number];
/** Of `scale`. */
const CASES = [
  'residents',
  'history',
  'terminals',
  'directory',
  'threads',
  'hot',
  'billboard',
] as const;
const RATES: readonly string[] = ['25%', '50%', '75%'];

export interface Settings {
  /** Does it work? */
  readonly isQuick: boolean;
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUp: number;
  readonly concurrency: readonly number[];
  readonly protocols: readonly Protocol[];
  readonly peers: readonly Peer[];
  readonly terminals: number;
  readonly wallets: number;
  readonly main: string;
  readonly cpuProf: string | null;
  /** Added to every sync of Redis and Postgres. */
  readonly fsyncDelayMs: number;
  /** `latency`: lifecycles a second, or parts of the closed-loop peak such as `50%`. */
  readonly rates: readonly string[];
  /** `scale`: which cases. */
  readonly cases: readonly string[];
  /** `scale`, `recovery` and `batch`: how far each case goes, by its name. */
  readonly steps: Readonly<Record<string, readonly number[]>>;
  /** For the switch: options, by variable. */
  readonly env: Readonly<Record<string, string>>;
  /** For the switch's node. */
  readonly nodeFlags: readonly string[];
}

export function readSettings(args: readonly string[]): Settings {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '6' },
      'warm-up': { type: 'string', default: '2' },
      concurrency: { type: 'string', default: '8,32,128,256' },
      protocols: { type: 'string', default: PROTOCOLS.join(',') },
      peers: { type: 'string', default: PEERS.join(',') },
      'fsync-delay-ms': { type: 'string', default: '0' },
      rate: { type: 'string', default: RATES.join(',') },
      cases: { type: 'string', default: CASES.join(',') },
      steps: { type: 'string', multiple: true, default: [] },
      terminals: { type: 'string', default: '64' },
      wallets: { type: 'string', default: '4' },
      main: { type: 'string', default: 'dist/main.js' },
      'cpu-prof': { type: 'string' },
      env: { type: 'string', multiple: true, default: [] },
      node: { type: 'string', multiple: true, default: [] },
      quick: { type: 'boolean', default: false },
    },
  });
  return {
    isQuick: values.quick,
    rounds: values.quick ? 1 : positive('rounds', values.rounds),
    seconds: values.quick ? 2 : positive('seconds', values.seconds),
    warmUp: values.quick ? 1 : positive('warm-up', values['warm-up']),
    concurrency: values.concurrency.split(',').map((text) => positive('concurrency', text)),
    protocols: knownOf('protocols', values.protocols, PROTOCOLS),
    peers: knownOf('peers', values.peers, PEERS),
    fsyncDelayMs: atLeastZero('fsync-delay-ms', values['fsync-delay-ms']),
    rates: values.rate.split(',').map((text) => {
      positive('rate', text.replace(/%$/, ''));
      return text;
    }),
    cases: knownOf('cases', values.cases, CASES),
    steps: Object.fromEntries(values.steps.map(readSteps)),
    terminals: positive('terminals', values.terminals),
    wallets: positive('wallets', values.wallets),
    main: values.main,
    cpuProf: values['cpu-prof'] ?? null,
    env: Object.fromEntries(
      values.env.map((pair) => [pair.replace(/=.*/s, ''), pair.replace(/^[^=]*=?/, '')]),
    ),
    nodeFlags: values.node,
  };
}

/** The names of a list, each one of those known; `none` for an empty list. */
function knownOf<Name extends string>(
  option: string,
  text: string,
  all: readonly Name[],
): readonly Name[] {
  if (text === 'none') return [];
  return text.split(',').map((name) => {
    const known = all.find((each) => each === name);
    if (known === undefined) throw new Error(`--${option}: ${name} is none of ${all.join(', ')}`);
    return known;
  });
}

/** `residents=1000,100000`: a case, and how far it goes. */
function readSteps(text: string): [name: string, steps: number[]] {
  const [name = '', list = ''] = text.split('=');
  return [name, list.split(',').map((each) => atLeastZero(`steps ${name}`, each))];
}

function atLeastZero(name: string, text: string): number {
  const value = Number(text);
  if (text === '' || !(value >= 0)) throw new Error(`--${name}: ${text} is no number from 0 up`);
  return value;
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name}: ${text} is not a number above 0`);
  return value;
}
