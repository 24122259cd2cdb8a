import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import postgres from 'postgres';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEmbeddedPostgres } from './embedded-postgres.ts';

const logger = pino({ level: 'silent' });
const here = dirname(fileURLToPath(import.meta.url));
const slow = 60_000;

let parent: string;
/** The modules as JavaScript: what a process that is to be killed can run. */
let built: string;

beforeAll(async () => {
  // Closed to others, like a home folder: `nobody` must get through all the same.
  parent = await mkdtemp(join(tmpdir(), 'qrswitch-test-embedded-'));
  chmodSync(parent, 0o700);
  built = join(here, '..', '..', 'node_modules', '.cache', `qrswitch-test-${process.pid}`);
  mkdirSync(built, { recursive: true });
  for (const name of ['embedded-postgres', 'folder-owner', 'postgres-programs', 'processes']) {
    const { outputText } = ts.transpileModule(readFileSync(join(here, `${name}.ts`), 'utf8'), {
      compilerOptions: {
        target: ts.ScriptTarget.ES2023,
        module: ts.ModuleKind.ESNext,
        rewriteRelativeImportExtensions: true,
        verbatimModuleSyntax: true,
      },
    });
    writeFileSync(join(built, `${name}.js`), outputText);
  }
  writeFileSync(join(built, 'package.json'), '{"type":"module"}');
  writeFileSync(
    join(built, 'owner.js'),
    `import { startEmbeddedPostgres } from './embedded-postgres.js';
     import { pino } from 'pino';
     const logger = pino({ level: 'silent' });
     const server = await startEmbeddedPostgres({ dataDir: process.argv[2], logger });
     console.log(server.url);
     process.on('SIGTERM', () => server.stop().then(() => process.exit()));
     setInterval(() => {}, 1000);`,
  );
});

afterAll(() => {
  rmSync(parent, { recursive: true, force: true });
  rmSync(built, { recursive: true, force: true });
});

async function startOwner(dataDir: string): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [join(built, 'owner.js'), dataDir]);
  child.stderr.pipe(process.stderr);
  const url = await new Promise<string>((done, fail) => {
    child.stdout.once('data', (chunk: Buffer) => done(chunk.toString().trim()));
    child.once('exit', (code) => fail(new Error(`the owner ended with ${code}`)));
  });
  return { child, url };
}

async function ask<T>(url: string, query: string): Promise<T> {
  const sql = postgres(url, { max: 1 });
  try {
    const rows = await sql.unsafe(query);
    return Object.values(rows[0] ?? {})[0] as T;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

describe('an embedded Postgres', () => {
  test(
    'keeps its data over a stop and a start, with every safeguard on',
    async () => {
      const dataDir = join(parent, 'kept');
      const first = await startEmbeddedPostgres({ dataDir, logger });
      await ask(first.url, 'create table kept as select 7 as no');
      await first.stop();

      const second = await startEmbeddedPostgres({ dataDir, logger });
      expect(await ask(second.url, 'select no from kept')).toBe(7);
      for (const name of ['fsync', 'full_page_writes', 'synchronous_commit', 'data_checksums']) {
        expect([name, await ask(second.url, `show ${name}`)]).toEqual([name, 'on']);
      }
      expect(statSync(join(dataDir, 'password')).mode & 0o777).toBe(0o600);
      await second.stop();
    },
    slow,
  );

  test(
    'goes on at once after its owner was killed, on the server that still runs',
    async () => {
      const dataDir = join(parent, 'orphan');
      const owner = await startOwner(dataDir);
      await ask(owner.url, 'create table kept as select 7 as no');
      const pid = await ask(
        owner.url,
        "select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)",
      );
      owner.child.kill('SIGKILL');

      const next = await startEmbeddedPostgres({ dataDir, logger });
      expect(next.url).toBe(owner.url);
      expect(await ask(next.url, 'select no from kept')).toBe(7);
      await next.stop();
      expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
    },
    slow,
  );

  test(
    'is replaced when what was left behind runs with other settings',
    async () => {
      const dataDir = join(parent, 'changed');
      const owner = await startOwner(dataDir);
      await ask(owner.url, 'create table kept as select 7 as no');
      owner.child.kill('SIGKILL');
      writeFileSync(join(dataDir, 'server.json'), '{"settings":"of another version"}');

      const next = await startEmbeddedPostgres({ dataDir, logger });
      expect(next.url).not.toBe(owner.url);
      expect(await ask(next.url, 'select no from kept')).toBe(7);
      await next.stop();
    },
    slow,
  );

  test(
    'is waited for while another process owns it',
    async () => {
      const dataDir = join(parent, 'owned');
      const owner = await startOwner(dataDir);
      let waited = 0;
      const next = await startEmbeddedPostgres({
        dataDir,
        logger,
        onWaiting: (pid) => {
          waited = pid;
          owner.child.kill('SIGTERM');
        },
      });
      expect(waited).toBe(owner.child.pid);
      expect(await ask(next.url, 'select 1')).toBe(1);
      await next.stop();
    },
    slow,
  );

  test(
    'comes back on the same address when the server itself is killed',
    async () => {
      const dataDir = join(parent, 'killed');
      const server = await startEmbeddedPostgres({ dataDir, logger });
      await ask(server.url, 'create table kept as select 7 as no');
      const lock = readFileSync(join(dataDir, 'cluster', 'postmaster.pid'), 'utf8');
      process.kill(Number(lock.split('\n')[0]), 'SIGKILL');

      await expect
        .poll(() => ask(server.url, 'select no from kept').catch(() => 0), { timeout: slow })
        .toBe(7);
      await server.stop();
    },
    slow,
  );

  test(
    'is not fooled by a lock file whose number another process has',
    async () => {
      const dataDir = join(parent, 'reused');
      const first = await startEmbeddedPostgres({ dataDir, logger });
      await first.stop();
      writeFileSync(
        join(dataDir, 'cluster', 'postmaster.pid'),
        `${process.pid}\n${join(dataDir, 'cluster')}\n0\n5432\n\n127.0.0.1\n0\nready   \n`,
      );
      const second = await startEmbeddedPostgres({ dataDir, logger });
      expect(await ask(second.url, 'select 1')).toBe(1);
      await second.stop();
    },
    slow,
  );
});
