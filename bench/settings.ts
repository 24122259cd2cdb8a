// The options of the subcommands that put the lifecycle load on the switch; main.ts tells them.

import { parseArgs } from 'node:util';
import type { Protocol } from './load/messages.ts';

const PROTOCOLS: readonly Protocol[] = ['ws-msgpack', 'ws-json', 'http'];

export interface Settings {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUp: number;
  readonly concurrency: readonly number[];
  readonly protocols: readonly Protocol[];
  readonly terminals: number;
  readonly wallets: number;
  readonly main: string;
  readonly cpuProf: string | null;
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
      terminals: { type: 'string', default: '64' },
      wallets: { type: 'string', default: '4' },
      main: { type: 'string', default: 'dist/main.js' },
      'cpu-prof': { type: 'string' },
      env: { type: 'string', multiple: true, default: [] },
      node: { type: 'string', multiple: true, default: [] },
      quick: { type: 'boolean', default: false },
    },
  });
  const protocols = values.protocols.split(',').map((name) => {
    const known = PROTOCOLS.find((protocol) => protocol === name);
    if (known === undefined)
      throw new Error(`--protocols: ${name} is none of ${PROTOCOLS.join(', ')}`);
    return known;
  });
  return {
    rounds: values.quick ? 1 : positive('rounds', values.rounds),
    seconds: values.quick ? 2 : positive('seconds', values.seconds),
    warmUp: values.quick ? 1 : positive('warm-up', values['warm-up']),
    concurrency: values.concurrency.split(',').map((text) => positive('concurrency', text)),
    protocols,
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

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name}: ${text} is not a number above 0`);
  return value;
}
