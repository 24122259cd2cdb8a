// Reads the configuration: the only reader of the environment. All faults are found at once, each named; what comes out
// is frozen.

import { readFileSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import { resolve } from 'node:path';
import { parseRange } from './drivers/webhook/addresses.ts';
import { readJsonText } from './json-text.ts';
import { options } from './option-table.ts';
import { meant, type Option, withoutSecrets } from './options.ts';

const CONFIG_FILE = 'QRSWITCH_CONFIG';
/** Of the command line: a key that stands in no history of a shell and no list of processes. */
const CLIENT_KEY = 'QRSWITCH_KEY';

type Key = keyof typeof options;
type ValueOf<O> = O extends Option<infer T> ? T : never;
type Read = { -readonly [K in Key]: ValueOf<(typeof options)[K]> };

/** What the switch runs with: plain and frozen, so that it may cross threads. */
export type Config = Readonly<
  Omit<Read, 'demo' | 'nodeName' | 'workers'> & { demo: boolean; nodeName: string; workers: number }
>;

type Environment = Readonly<Record<string, string | undefined>>;

/** What defaults hang on beside other options. */
export interface Machine {
  readonly cores: number;
  readonly hostname: string;
}

/** All that is wrong with the configuration, one line a fault, each naming its option. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(
      `The configuration has ${faults.length} fault(s):\n${faults.map((f) => `  ${f}`).join('\n')}`,
    );
    this.faults = faults;
  }
}

/**
 * Reads every option: from the environment, else from the file that `--config=` or QRSWITCH_CONFIG names, else its
 * default. An empty variable counts as not set. Throws ConfigError with every fault that there is.
 */
export function readConfig(
  env: Environment = process.env,
  argv: readonly string[] = process.argv.slice(2),
  machine: Machine = { cores: availableParallelism(), hostname: hostname() },
): Config {
  const faults: string[] = [];
  const file = readFile(configFile(env, argv, faults), faults);
  const read = Object.fromEntries(
    Object.entries<Option<unknown>>(options).map(([key, option]) => [
      key,
      readOption(key, option, env, file, faults),
    ]),
  ) as Read;
  faults.push(...unknownNames(env, file), ...contradictions(read));
  if (faults.length > 0) throw new ConfigError(faults);
  return Object.freeze(settled(read, machine));
}

/** Whether the command line asks for the help text rather than for the switch. */
export function asksForHelp(argv: readonly string[] = process.argv.slice(2)): boolean {
  return argv.includes('--help') || argv.includes('-h');
}

/** The key with which the command line speaks to a running switch; undefined where none is set. */
export function clientKey(env: Environment = process.env): string | undefined {
  return env[CLIENT_KEY] || undefined;
}

export function helpText(): string {
  const rows = Object.entries<Option<unknown>>(options).map(
    ([key, option]) =>
      `  ${option.env}  (${key})\n      ${option.takes}; default: ${option.fallbackSays}\n      ${option.why}`,
  );
  return `qrswitch, a payment switch for QR bills

Usage: ./start [--config=FILE] [--help]

Options are environment variables, or keys (in brackets) of a JSON file that --config or ${CONFIG_FILE} names.
A variable goes before the file; an empty one counts as not set.

${rows.join('\n\n')}
`;
}

/** The configuration for the log: what may hold a password without it. */
export function shownConfig(config: Config): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key,
      options[key as Key].secret ? withoutSecrets(value) : value,
    ]),
  );
}

/** What QR codes and links begin with, once the port is known. */
export function publicBaseUrlOf(config: Config, port: number): string {
  if (config.publicBaseUrl !== null) return config.publicBaseUrl;
  // A listener on every address is still reached by one; the demo's customer sits at this machine.
  const anywhere = config.host === '0.0.0.0' || config.host === '::';
  const host = anywhere ? 'localhost' : config.host;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function configFile(
  env: Environment,
  argv: readonly string[],
  faults: string[],
): string | undefined {
  let path = env[CONFIG_FILE] || undefined;
  for (const argument of argv) {
    const named = /^--config=(.+)$/.exec(argument)?.[1];
    if (named !== undefined) path = named;
    else if (argument !== '--help' && argument !== '-h') {
      faults.push(`${argument} is no argument: options are environment variables, see --help`);
    }
  }
  return path;
}

function readFile(path: string | undefined, faults: string[]): Readonly<Record<string, unknown>> {
  if (path === undefined) return {};
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    faults.push(
      `the file ${path} cannot be read: ${error instanceof Error ? error.message : error}`,
    );
    return {};
  }
  const read = readJsonText(text);
  if ('flaw' in read) faults.push(`the file ${path} ${read.flaw}`);
  else if (typeof read.value !== 'object' || read.value === null || Array.isArray(read.value)) {
    faults.push(`the file ${path} must be a JSON object`);
  } else return { ...read.value };
  return {};
}

function readOption(
  key: string,
  option: Option<unknown>,
  env: Environment,
  file: Readonly<Record<string, unknown>>,
  faults: string[],
): unknown {
  const variable = env[option.env];
  const isInFile = Object.hasOwn(file, key);
  if ((variable === undefined || variable === '') && !isInFile) return option.fallback;
  const reading = option.read(variable ? { text: variable } : { json: file[key] });
  if ('value' in reading) return reading.value;
  faults.push(`${variable ? option.env : `${key} (in the file)`} ${reading.fault}`);
  return option.fallback;
}

function unknownNames(env: Environment, file: Readonly<Record<string, unknown>>): string[] {
  const keys = Object.keys(options);
  const variables = [
    ...Object.values(options).map((option) => option.env),
    CONFIG_FILE,
    CLIENT_KEY,
  ];
  return [
    ...Object.keys(env)
      .filter((name) => name.startsWith('QRSWITCH_') && !variables.includes(name))
      .map((name) => `${name} is no option${meant(name, variables)}`),
    ...Object.keys(file)
      .filter((name) => !keys.includes(name))
      .map((name) => `${name} (in the file) is no option${meant(name, keys)}`),
  ];
}

function contradictions(read: Read): string[] {
  const faults: string[] = [];
  for (const range of read.webhookAllow) {
    if (parseRange(range) !== undefined) continue;
    faults.push(`QRSWITCH_WEBHOOK_ALLOW: ${range} is no range of addresses, such as 10.20.0.0/16`);
  }
  if (read.workers !== null && read.workers > read.shards) {
    faults.push(
      `QRSWITCH_WORKERS is ${read.workers}, but there are only ${read.shards} shards to run (QRSWITCH_SHARDS)`,
    );
  }
  if (read.mailboxMax > read.shardQueueMax) {
    faults.push(
      `QRSWITCH_MAILBOX_MAX (${read.mailboxMax}) can never be reached: QRSWITCH_SHARD_QUEUE_MAX is ${read.shardQueueMax}`,
    );
  }
  if (read.previousLogUrl !== null && read.previousLogUrl === read.redisUrl) {
    faults.push(
      'QRSWITCH_PREVIOUS_LOG_URL is the same as REDIS_URL: name the log that was used before',
    );
  }
  if (read.previousLogUrl !== null && read.abandonLog !== null) {
    faults.push(
      'QRSWITCH_ABANDON_LOG gives up what QRSWITCH_PREVIOUS_LOG_URL would drain: set one of them',
    );
  }
  if (read.tlsPort !== null && (read.tlsCertificateFile === null || read.tlsKeyFile === null)) {
    faults.push(
      'QRSWITCH_TLS_PORT needs QRSWITCH_TLS_CERTIFICATE_FILE and QRSWITCH_TLS_KEY_FILE as well',
    );
  }
  return faults;
}

function settled(read: Read, machine: Machine): Config {
  return {
    ...read,
    dataDir: resolve(read.dataDir),
    acceptUnsafe: Object.freeze([...read.acceptUnsafe]),
    keyPeppers: Object.freeze([...read.keyPeppers]),
    dataKeys: Object.freeze([...read.dataKeys]),
    webhookAllow: Object.freeze([...read.webhookAllow]),
    demo: read.demo ?? read.databaseUrl === null,
    nodeName: read.nodeName ?? machine.hostname,
    workers: read.workers ?? Math.min(read.shards, Math.max(1, machine.cores - 1)),
  };
}
