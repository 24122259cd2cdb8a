// Every option of the switch, in one table: its variable, its key in the file, what it takes, its default and why it
// exists. This is the only reader of the environment. All faults are found at once, each named; what comes out is
// frozen, and no default leaves this machine.

import { readFileSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import { resolve } from 'node:path';
import {
  choice,
  derivedInteger,
  flag,
  integer,
  meant,
  names,
  type Option,
  optionalText,
  secrets,
  text,
  url,
  withoutSecrets,
} from './options.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export const options = {
  port: integer({
    env: 'PORT',
    fallback: 8080,
    min: 0,
    max: 65_535,
    why: 'Where terminals, wallets and browsers connect. 0 takes a free port, which the log tells.',
  }),
  host: text({
    env: 'HOST',
    fallback: '127.0.0.1',
    pattern: /^[A-Za-z0-9.:-]{1,253}$/,
    takes: 'a host name or address',
    why: 'The address to listen on. 0.0.0.0 opens the switch to the network: put TLS in front of it first.',
  }),
  publicBaseUrl: url({
    env: 'PUBLIC_BASE_URL',
    protocols: ['https:', 'http:'],
    bare: true,
    fallbackSays: 'http://HOST:PORT',
    why: 'What QR codes and links begin with: the place under which customers reach this switch.',
  }),
  dataDir: text({
    env: 'QRSWITCH_DATA_DIR',
    fallback: '.data',
    pattern: /^.{1,1024}$/,
    takes: 'a folder',
    why: 'The embedded Postgres and demo.json live here. It is made where it is missing.',
  }),
  databaseUrl: url({
    env: 'DATABASE_URL',
    protocols: ['postgres:', 'postgresql:'],
    bare: false,
    fallbackSays: 'the embedded Postgres',
    why: 'The Postgres that keeps the history, and the log as well where there is no Redis.',
  }),
  redisUrl: url({
    env: 'REDIS_URL',
    protocols: ['redis:', 'rediss:'],
    bare: false,
    fallbackSays: 'none: Postgres carries the log',
    why: 'The Redis that carries the log, for speed. It must keep what it acknowledges.',
  }),
  previousLogUrl: url({
    env: 'QRSWITCH_PREVIOUS_LOG_URL',
    protocols: ['redis:', 'rediss:'],
    bare: false,
    fallbackSays: 'none',
    why: 'The Redis that carried the log before: it is drained into history at start. An old log in Postgres is found without this.',
  }),
  abandonLog: optionalText({
    env: 'QRSWITCH_ABANDON_LOG',
    pattern: NAME,
    takes: 'the id of a log',
    fallbackSays: 'none',
    why: 'Goes on without an old log that is out of reach, named by its id. What only that log held is lost.',
  }),
  acceptUnsafe: names({
    env: 'QRSWITCH_ACCEPT_UNSAFE',
    pattern: /^[a-z]+\.[a-z_-]+$/,
    why: 'Findings about the stores to start with all the same, such as redis.appendfsync. Acknowledged money can be lost then.',
  }),
  keyPeppers: secrets({
    env: 'QRSWITCH_KEY_PEPPERS',
    lengthMin: 32,
    fallbackSays: 'one that the database has drawn for itself',
    why: 'Kept outside the database: without them nobody can use what a copy of it tells of keys. A new one is put behind those of before, with every switch of the database stopped; each has the same.',
  }),
  demo: flag({
    env: 'QRSWITCH_DEMO',
    fallbackSays: '1 with the embedded Postgres, else 0',
    why: 'Makes a demo institution, merchant, terminal, paychannel and operator at first start.',
  }),
  nodeName: optionalText({
    env: 'QRSWITCH_NODE_NAME',
    pattern: NAME,
    takes: '1 to 64 letters, digits, dots, dashes or underscores',
    fallbackSays: 'the host name',
    why: 'How this process is called in logs, and to others that wait for its shards.',
  }),
  shards: integer({
    env: 'QRSWITCH_SHARDS',
    fallback: 8,
    min: 1,
    max: 1024,
    why: 'Parts into which bills are divided. Written into the stores at first start; another number is refused from then on.',
  }),
  workers: derivedInteger({
    env: 'QRSWITCH_WORKERS',
    min: 1,
    max: 256,
    fallbackSays: 'one less than the cores, at least 1, at most QRSWITCH_SHARDS',
    why: 'Threads that run the shards. More than shards would be idle.',
  }),
  gateways: integer({
    env: 'QRSWITCH_GATEWAYS',
    fallback: 1,
    min: 1,
    max: 64,
    why: 'Threads that speak HTTP and WebSocket, all on one port.',
  }),
  workerHeapMb: integer({
    env: 'QRSWITCH_WORKER_HEAP_MB',
    fallback: 2048,
    min: 64,
    max: 65_536,
    why: 'Heap of one worker in MiB. A worker that outgrows it is ended, and its shards start anew.',
  }),
  residentMax: integer({
    env: 'QRSWITCH_RESIDENT_MAX',
    fallback: 200_000,
    min: 1,
    max: 10_000_000,
    why: 'Bills that one worker keeps in memory; above it bills leave as soon as they are written.',
  }),
  idleSeconds: integer({
    env: 'QRSWITCH_IDLE_SECONDS',
    fallback: 60,
    min: 0,
    max: 86_400,
    why: 'How long a bill that nobody asks for stays in memory.',
  }),
  mailboxMax: integer({
    env: 'QRSWITCH_MAILBOX_MAX',
    fallback: 1000,
    min: 1,
    max: 1_000_000,
    why: 'Commands that may wait on one bill; the next one gets 503.',
  }),
  shardQueueMax: integer({
    env: 'QRSWITCH_SHARD_QUEUE_MAX',
    fallback: 20_000,
    min: 1,
    max: 10_000_000,
    why: 'Requests that may be under way in one shard; the next one gets 503.',
  }),
  logEntriesMax: integer({
    env: 'QRSWITCH_LOG_ENTRIES_MAX',
    fallback: 200_000,
    min: 1,
    max: 100_000_000,
    why: 'Transitions of one shard that may stand in the log without being in history, as when Postgres is away; then changes get 503.',
  }),
  socketBufferMaxBytes: integer({
    env: 'QRSWITCH_SOCKET_BUFFER_MAX_BYTES',
    fallback: 1_048_576,
    min: 65_536,
    max: 67_108_864,
    why: 'What may wait to be read by one slow WebSocket client; beyond it the client is cut off and resumes when it returns.',
  }),
  reconnectsAtOnce: integer({
    env: 'QRSWITCH_RECONNECTS_AT_ONCE',
    fallback: 32,
    min: 1,
    max: 10_000,
    why: 'WebSockets of one gateway whose keys are looked up at once, and as many whose pending events are read; the rest wait their turn, so that calls do not wait behind everybody who reconnects.',
  }),
  drainSeconds: integer({
    env: 'QRSWITCH_DRAIN_SECONDS',
    fallback: 20,
    min: 0,
    max: 600,
    why: 'How long SIGTERM waits for what is under way before the process ends all the same.',
  }),
  logLevel: choice({
    env: 'QRSWITCH_LOG_LEVEL',
    fallback: 'info',
    among: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    why: 'The least that is logged. debug tells every refused request.',
  }),
};

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

export type LogLevel = Config['logLevel'];
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
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof content === 'object' && content !== null && !Array.isArray(content)) {
      return { ...content };
    }
    faults.push(`the file ${path} must be a JSON object`);
  } catch (error) {
    faults.push(
      `the file ${path} cannot be read: ${error instanceof Error ? error.message : error}`,
    );
  }
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
  return faults;
}

function settled(read: Read, machine: Machine): Config {
  return {
    ...read,
    dataDir: resolve(read.dataDir),
    acceptUnsafe: Object.freeze([...read.acceptUnsafe]),
    keyPeppers: Object.freeze([...read.keyPeppers]),
    demo: read.demo ?? read.databaseUrl === null,
    nodeName: read.nodeName ?? machine.hostname,
    workers: read.workers ?? Math.min(read.shards, Math.max(1, machine.cores - 1)),
  };
}
