import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  asksForHelp,
  type Config,
  ConfigError,
  clientKey,
  helpText,
  publicBaseUrlOf,
  readConfig,
  shownConfig,
} from './config.ts';
import { options } from './option-table.ts';
import type { Option } from './options.ts';

const machine = { cores: 4, hostname: 'till-1' };
const folder = mkdtempSync(join(tmpdir(), 'qrswitch-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('the configuration', () => {
  test('is not at fault where the command line’s key is set, which it neither has nor shows', () => {
    const env = { QRSWITCH_KEY: 'secret' };
    expect(JSON.stringify(readConfig(env, [], machine))).not.toContain('secret');
    expect(clientKey(env)).toBe('secret');
    expect(clientKey({ QRSWITCH_KEY: '' })).toBeUndefined();
  });

  test('of nothing is the embedded demo on this machine alone', () => {
    const config = read({});

    expect(config).toMatchObject({
      port: 8080,
      host: '127.0.0.1',
      databaseUrl: null,
      redisUrl: null,
      demo: true,
      shards: 8,
      workers: 3,
      nodeName: 'till-1',
      dataDir: resolve('.data'),
    });
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.acceptUnsafe)).toBe(true);
  });

  test('can cross to another thread', () => {
    expect(structuredClone(read({}))).toEqual(read({}));
  });

  test('makes no demo on a given database unless it is asked to', () => {
    const DATABASE_URL = 'postgres://localhost/bills';

    expect(read({ DATABASE_URL }).demo).toBe(false);
    expect(read({ DATABASE_URL, QRSWITCH_DEMO: '1' }).demo).toBe(true);
    expect(read({ QRSWITCH_DEMO: '0' }).demo).toBe(false);
  });

  test('never has more workers than shards, nor none', () => {
    expect(read({ QRSWITCH_SHARDS: '2' }).workers).toBe(2);
    expect(readConfig({}, [], { cores: 1, hostname: 'x' }).workers).toBe(1);
    expect(faultsOf({ QRSWITCH_SHARDS: '2', QRSWITCH_WORKERS: '3' })).toEqual([
      'QRSWITCH_WORKERS is 3, but there are only 2 shards to run (QRSWITCH_SHARDS)',
    ]);
  });

  test('takes an empty variable for one that is not set, as compose files write it', () => {
    expect(read({ REDIS_URL: '', PORT: '' })).toEqual(read({}));
  });

  test('comes from a file too, and a variable goes before it', () => {
    const path = file('whole.json', {
      port: 9000,
      shards: 4,
      demo: false,
      acceptUnsafe: ['redis.appendfsync'],
      redisUrl: 'redis://localhost',
    });

    expect(read({ QRSWITCH_CONFIG: path, PORT: '9100' })).toMatchObject({
      port: 9100,
      shards: 4,
      demo: false,
      acceptUnsafe: ['redis.appendfsync'],
      redisUrl: 'redis://localhost',
    });
    expect(readConfig({}, [`--config=${path}`], machine).port).toBe(9000);
  });

  test('names every fault at once, by its option', () => {
    const path = file('wrong.json', { prot: 1, shards: '8', acceptUnsafe: [1], demo: 'perhaps' });

    expect(
      faultsOf({
        QRSWITCH_CONFIG: path,
        PORT: '80a80',
        HOST: 'two words',
        PUBLIC_BASE_URL: 'https://pay.example/bills',
        DATABASE_URL: 'mysql://root:secret@db/bills',
        QRSWITCH_LOG_LEVEL: 'loud',
        QRSWITCH_RESIDENTMAX: '5',
        QRSWITCH_NODE_NAME: '-',
        QRSWITCH_GATEWAYS: '1e1',
      }),
    ).toMatchInlineSnapshot(`
      [
        "PORT must be a whole number from 0 to 65,535, not "80a80"",
        "HOST must be a host name or address, not "two words"",
        "PUBLIC_BASE_URL must be a place alone: no path, query, fragment or user",
        "DATABASE_URL must begin with postgres:// or postgresql://",
        "acceptUnsafe (in the file) 1 is not such a name",
        "demo (in the file) must be 1 or 0 (true or false in the file), not "perhaps"",
        "QRSWITCH_NODE_NAME must be 1 to 64 letters, digits, dots, dashes or underscores, not "-"",
        "shards (in the file) must be a whole number from 1 to 1024, not "8"",
        "QRSWITCH_GATEWAYS must be a whole number from 1 to 64, not "1e1"",
        "QRSWITCH_LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent, not "loud"",
        "QRSWITCH_RESIDENTMAX is no option, did you mean QRSWITCH_RESIDENT_MAX?",
        "prot (in the file) is no option, did you mean port?",
      ]
    `);
  });

  test('never repeats a password in a fault', () => {
    const text = faultsOf({
      DATABASE_URL: 'mysql://root:secret@db/bills',
      REDIS_URL: 'redis://:secret@[',
    }).join();

    expect(text).toContain('DATABASE_URL');
    expect(text).toContain('REDIS_URL');
    expect(text).not.toContain('secret');
  });

  test('refuses what contradicts itself', () => {
    expect(
      faultsOf({
        QRSWITCH_MAILBOX_MAX: '500',
        QRSWITCH_SHARD_QUEUE_MAX: '100',
        REDIS_URL: 'redis://one',
        QRSWITCH_PREVIOUS_LOG_URL: 'redis://one',
        QRSWITCH_ABANDON_LOG: 'log7',
      }),
    ).toMatchInlineSnapshot(`
      [
        "QRSWITCH_MAILBOX_MAX (500) can never be reached: QRSWITCH_SHARD_QUEUE_MAX is 100",
        "QRSWITCH_PREVIOUS_LOG_URL is the same as REDIS_URL: name the log that was used before",
        "QRSWITCH_ABANDON_LOG gives up what QRSWITCH_PREVIOUS_LOG_URL would drain: set one of them",
      ]
    `);
  });

  test('says of a file that it cannot be read, and of an argument that it is none', () => {
    const faults = faultsOf({ QRSWITCH_CONFIG: join(folder, 'missing.json') }, ['--port=1']);

    expect(faults[0]).toContain('--port=1 is no argument');
    expect(faults[1]).toMatch(/missing\.json cannot be read: ENOENT/);
    expect(faultsOf({ QRSWITCH_CONFIG: file('list.json', []) })[0]).toContain(
      'must be a JSON object',
    );
  });

  test('says where a file is not JSON, and nothing of what it says', () => {
    const path = join(folder, 'broken.json');
    writeFileSync(path, '{\n  "keyPeppers": "s3cret"\n  "port": 1\n}');
    expect(faultsOf({ QRSWITCH_CONFIG: path })).toEqual([
      'the file /broken.json is not JSON at line 3, column 3',
    ]);
    writeFileSync(path, '{ "keyPeppers": s3cret }');
    expect(faultsOf({ QRSWITCH_CONFIG: path })).toEqual(['the file /broken.json is not JSON']);
  });

  test('is shown without passwords', () => {
    const DATABASE_URL = 'postgres://bills:secret@db/bills?password=secret';
    const shown = shownConfig(read({ DATABASE_URL }));

    expect(shown).toMatchObject({
      databaseUrl: 'postgres://bills:***@db/bills?password=***',
      port: 8080,
    });
  });
});

describe('the public base', () => {
  test('is what was given, else where the switch listens', () => {
    const { publicBaseUrl } = read({ PUBLIC_BASE_URL: 'https://pay.example/' });

    expect(publicBaseUrl).toBe('https://pay.example');
    expect(publicBaseUrlOf(read({ PUBLIC_BASE_URL: 'https://pay.example' }), 1)).toBe(
      'https://pay.example',
    );
    expect(publicBaseUrlOf(read({}), 4711)).toBe('http://127.0.0.1:4711');
    expect(publicBaseUrlOf(read({ HOST: '0.0.0.0' }), 4711)).toBe('http://localhost:4711');
    expect(publicBaseUrlOf(read({ HOST: '::1' }), 4711)).toBe('http://[::1]:4711');
  });
});

describe('the help text', () => {
  test('is asked for by --help or -h', () => {
    expect(asksForHelp(['--help'])).toBe(true);
    expect(asksForHelp(['-h'])).toBe(true);
    expect(asksForHelp([])).toBe(false);
  });

  test('tells every option, so that a changed default is a change to read', () => {
    expect(helpText()).toMatchInlineSnapshot(`
      "qrswitch, a payment switch for QR bills

      Usage: ./start [--config=FILE] [--help]

      Options are environment variables, or keys (in brackets) of a JSON file that --config or QRSWITCH_CONFIG names.
      A variable goes before the file; an empty one counts as not set.

        PORT  (port)
            a whole number from 0 to 65,535; default: 8080
            Where terminals, wallets and browsers connect. 0 takes a free port, which the log tells.

        HOST  (host)
            a host name or address; default: 127.0.0.1
            The address to listen on. 0.0.0.0 opens the switch to the network: put TLS in front of it first.

        PUBLIC_BASE_URL  (publicBaseUrl)
            a URL that begins with https:// or http://, without a path; default: http://HOST:PORT
            What QR codes and links begin with: the place under which customers reach this switch.

        QRSWITCH_TLS_PORT  (tlsPort)
            a whole number from 0 to 65,535; default: none: TLS is left to a proxy
            Where the switch itself speaks TLS, beside PORT. Paychannels whose client certificate is named by the operator must come here. 0 takes a free port, which the log tells.

        QRSWITCH_TLS_CERTIFICATE_FILE  (tlsCertificateFile)
            a file; default: none
            PEM: the certificate that clients are shown, with those between it and its authority. Taken anew within ten seconds where it changes.

        QRSWITCH_TLS_KEY_FILE  (tlsKeyFile)
            a file; default: none
            PEM: the key of that certificate.

        QRSWITCH_TLS_CLIENT_CA_FILE  (tlsClientCaFile)
            a file; default: none: a certificate that the operator has named is enough
            PEM: the authorities that client certificates must come from, beside being named by the operator.

        QRSWITCH_DATA_DIR  (dataDir)
            a folder; default: .data
            The embedded Postgres and demo.json live here. It is made where it is missing.

        DATABASE_URL  (databaseUrl)
            a URL that begins with postgres:// or postgresql://; default: the embedded Postgres
            The Postgres that keeps the history, and the log as well where there is no Redis.

        REDIS_URL  (redisUrl)
            a URL that begins with redis:// or rediss://; default: none: Postgres carries the log
            The Redis that carries the log, for speed. It must keep what it acknowledges.

        QRSWITCH_PREVIOUS_LOG_URL  (previousLogUrl)
            a URL that begins with redis:// or rediss://; default: none
            The Redis that carried the log before: it is drained into history at start. An old log in Postgres is found without this.

        QRSWITCH_ABANDON_LOG  (abandonLog)
            the id of a log; default: none
            Goes on without an old log that is out of reach, named by its id. What only that log held is lost.

        QRSWITCH_ACQUIRERS  (acquirersFile)
            a file; default: none: bills are paid by wallets alone
            JSON: the banks’ own QR systems that bills may be paid through, with their secrets (docs/acquirers.md).

        QRSWITCH_ACCEPT_UNSAFE  (acceptUnsafe)
            names separated by commas (an array of them in the file); default: none
            Findings about the stores to start with all the same, such as redis.appendfsync. Acknowledged money can be lost then.

        QRSWITCH_KEY_PEPPERS  (keyPeppers)
            secrets of at least 32 characters, separated by commas (an array of them in the file); default: one that the database has drawn for itself
            Kept outside the database: without them nobody can use what a copy of it tells of keys. A new one is put behind those of before, with every switch of the database stopped; each has the same.

        QRSWITCH_DATA_KEYS  (dataKeys)
            secrets of at least 32 characters, separated by commas (an array of them in the file); default: one that the database has drawn for itself
            What signing secrets and labels of payers are encrypted with, kept outside the database. The first encrypts, all decrypt: a new one goes in front.

        QRSWITCH_DEMO  (demo)
            1 or 0 (true or false in the file); default: 1 with the embedded Postgres, else 0
            Makes a demo institution, merchant, terminal, paychannel and operator at first start.

        QRSWITCH_NODE_NAME  (nodeName)
            1 to 64 letters, digits, dots, dashes or underscores; default: the host name
            How this process is called in logs, and to others that wait for its shards.

        QRSWITCH_SHARDS  (shards)
            a whole number from 1 to 1024; default: 8
            Parts into which bills are divided. Written into the stores at first start; another number is refused from then on.

        QRSWITCH_WORKERS  (workers)
            a whole number from 1 to 256; default: one less than the cores, at least 1, at most QRSWITCH_SHARDS
            Threads that run the shards. More than shards would be idle.

        QRSWITCH_GATEWAYS  (gateways)
            a whole number from 1 to 64; default: 1
            Threads that speak HTTP and WebSocket, all on one port.

        QRSWITCH_WORKER_HEAP_MB  (workerHeapMb)
            a whole number from 64 to 65,536; default: 2048
            Heap of one worker in MiB. A worker that outgrows it is ended, and its shards start anew. For each MiB its shards together may hold 100 transitions that are not in history, one of more than 512 bytes in the log counted as several; then changes get 503.

        QRSWITCH_RESIDENT_MAX  (residentMax)
            a whole number from 1 to 10,000,000; default: 200000
            Bills that one worker keeps in memory; above it bills leave as soon as they are written.

        QRSWITCH_IDLE_SECONDS  (idleSeconds)
            a whole number from 0 to 86,400; default: 60
            How long a bill that nobody asks for stays in memory.

        QRSWITCH_MAILBOX_MAX  (mailboxMax)
            a whole number from 1 to 1,000,000; default: 1000
            Commands that may wait on one bill; the next one gets 503.

        QRSWITCH_SHARD_QUEUE_MAX  (shardQueueMax)
            a whole number from 1 to 10,000,000; default: 20000
            Requests that may be under way in one shard; the next one gets 503. The last quarter of the room is shared by the institutions that ask.

        QRSWITCH_AHEAD_MAX  (aheadMax)
            a whole number from 1 to 100,000; default: 256
            Requests that a gateway gives a worker ahead of what it has taken. The others wait in the gateway, and there institutions take turns, so that one that asks ten times its share keeps nobody else waiting.

        QRSWITCH_WAITING_MAX  (waitingMax)
            a whole number from 1 to 10,000,000; default: 10000
            Requests that may wait so in one gateway for one worker. The institutions that have any there share the room; the next one of whoever has had its share gets 503.

        QRSWITCH_DELAY_TARGET_MS  (delayTargetMs)
            a whole number from 0 to 10,000; default: 5
            How late a gateway and its workers may be, in milliseconds, before creates and views of an institution that has more requests under way than its part get 503; 0 is any. An institution alone may be later, up to 200 ms.

        QRSWITCH_LOG_ENTRIES_MAX  (logEntriesMax)
            a whole number from 1 to 100,000,000; default: 200000
            Transitions of one shard that may stand in the log without being in history, as when Postgres is away; then changes get 503.

        QRSWITCH_SOCKET_BUFFER_MAX_BYTES  (socketBufferMaxBytes)
            a whole number from 65,536 to 67,108,864; default: 1048576
            What may wait to be read by one slow WebSocket client; beyond it the client is cut off and resumes when it returns.

        QRSWITCH_RECONNECTS_AT_ONCE  (reconnectsAtOnce)
            a whole number from 1 to 10,000; default: 32
            WebSockets of one gateway whose keys are looked up at once, and as many whose pending events are read; the rest wait their turn, so that calls do not wait behind everybody who reconnects.

        QRSWITCH_HOLDER_REQUESTS_PER_SECOND  (holderRequestsPerSecond)
            a whole number from 0 to 1,000,000; default: 0
            Requests in a second of one terminal, paychannel or other holder of keys, as many of them at once; the next one gets 429. Where an operator has set another limit, that holds. 0: no limit.

        QRSWITCH_INSTITUTION_REQUESTS_PER_SECOND  (institutionRequestsPerSecond)
            a whole number from 0 to 1,000,000; default: 0
            The same of one institution: of all that act for it together.

        QRSWITCH_HOLDER_SOCKETS_MAX  (holderSocketsMax)
            a whole number from 0 to 1,000,000; default: 0
            WebSockets of one holder of keys; the next one gets 429. Where an operator has set another limit, that holds. 0: no limit.

        QRSWITCH_INSTITUTION_SOCKETS_MAX  (institutionSocketsMax)
            a whole number from 0 to 1,000,000; default: 0
            The same of one institution.

        QRSWITCH_DRAIN_SECONDS  (drainSeconds)
            a whole number from 0 to 600; default: 20
            How long SIGTERM waits, in all, for what is under way. What has not closed within eight seconds more is left, and the process ends all the same.

        QRSWITCH_WEBHOOK_ALLOW  (webhookAllow)
            names separated by commas (an array of them in the file); default: none
            Ranges (CIDR) beside public addresses where webhooks may be sent, by plain http too, such as 10.20.0.0/16 for receivers in your own network.

        QRSWITCH_WEBHOOK_FIRST_RETRY_MS  (webhookFirstRetryMs)
            a whole number from 10 to 60,000; default: 5000
            The wait before a webhook that failed is sent again. All later waits, and those of an endpoint that is left alone, keep their proportion to it.

        QRSWITCH_DRIVERS  (drivers)
            a file; default: none
            JSON: other people’s drivers to load, each into a process of its own. docs/drivers.md says what stands in it.

        QRSWITCH_LOG_LEVEL  (logLevel)
            one of trace, debug, info, warn, error, fatal, silent; default: info
            The least that is logged. debug tells every refused request.
      "
    `);
  });
});

describe('docs/configuration.md', () => {
  test('is the table of options', async () => {
    await expect(page()).toMatchFileSnapshot('../docs/configuration.md');
  });
});

function read(env: Record<string, string>): Config {
  return readConfig(env, [], machine);
}

function faultsOf(env: Record<string, string>, argv: string[] = []): readonly string[] {
  try {
    readConfig(env, argv, machine);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults.map((fault) => fault.replace(folder, ''));
    throw error;
  }
  return [];
}

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

function page(): string {
  const rows = Object.entries<Option<unknown>>(options).map(
    ([key, option]) =>
      `| \`${option.env}\` | \`${key}\` | ${option.takes} | ${option.fallbackSays} | ${option.why} |`,
  );
  return `# Configuration

Made from the table in \`src/option-table.ts\` and compared with it by a test; after a change there,
\`npx vitest run --project unit src/config.test.ts -u\` writes it again.

Options are environment variables, or keys of a JSON file that \`--config=FILE\` or \`QRSWITCH_CONFIG\` names. A variable
goes before the file, and an empty one counts as not set. What is unknown or out of its limits is refused at start, all
of it at once and by name. \`./start --help\` prints the same table.

| variable | key | takes | default | why |
|---|---|---|---|---|
${rows.join('\n')}
`;
}
