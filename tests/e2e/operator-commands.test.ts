// The commands of an operator, as docs/operators.md tells them: run in order, against a switch that runs.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { PostgresDirectory } from '../../src/persistence/directory.ts';
import { hashKey, settleKeyHashes } from '../../src/persistence/key-hashes.ts';
import { migrate } from '../../src/persistence/migrate.ts';
import { done, fresh } from '../support/client.ts';
import { qrswitch } from '../support/command-line.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { FREE_TARIFF } from '../support/isolation-table.ts';
import { postgresAlone } from '../support/set-ups.ts';
import { silentLogger as logger } from '../support/silent-logger.ts';
import { createDatabase } from '../support/stores.ts';
import { World } from '../support/world.ts';

const PAGE = new URL('../../docs/operators.md', import.meta.url);
const README = new URL('../../README.md', import.meta.url);

describe('the commands of an operator', () => {
  let world: World;
  let sql: Sql;
  let folder: string;

  beforeAll(async () => {
    world = await World.start(postgresAlone);
    sql = postgres(world.stores.databaseUrl, { max: 1, onnotice: () => undefined });
    folder = mkdtempSync(join(tmpdir(), 'qrswitch-operator-'));
    vi.stubEnv('QRSWITCH_KEY', world.process.demo.operator.key);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
    await sql?.end();
    await world?.stop();
  });
  beforeEach(() => showOutputOnFailure(() => world?.process));

  const run = async (...argv: string[]): Promise<string> => {
    const { code, stdout, stderr } = await qrswitch(...argv, '--url', world.process.baseUrl);
    if (code !== 0) throw new Error(`qrswitch ${argv.join(' ')} ended with ${code}: ${stderr}`);
    return stdout;
  };

  test('from nothing to the first paid bill stand in the README as on the page', () => {
    const first = blocksOf(PAGE)[0];
    expect(first).toContain('qrswitch paychannel add');
    expect(commandsOf(`\`\`\`sh\n${first}\`\`\``)).toHaveLength(4);
    expect(blocksOf(README)).toContain(first);
  });

  test('that the page tells work as they stand, and end in a paid bill', async () => {
    const kept: Record<string, { id: string; key?: string }> = {};
    const value = (word: string): string => {
      const [, name = '', field] = /^\$(\w+?)(_KEY)?$/.exec(word) ?? [];
      const from = kept[name];
      if (from === undefined) return word;
      return (field === undefined ? from.id : from.key) ?? '';
    };
    const rows = join(folder, 'tills.csv');
    const tariff = join(folder, 'tariff.json');
    writeFileSync(tariff, JSON.stringify(FREE_TARIFF));
    for (const line of commandsOf(readFileSync(PAGE, 'utf8'))) {
      const [, name, command = ''] = /^(?:([A-Z]+)=)?(.*)$/.exec(line) ?? [];
      if (name === 'BILL') await complain(kept.TERMINAL?.key, kept.PAYCHANNEL?.key);
      if (command.includes('credit list --payment-ref')) await reject(kept.PAYCHANNEL?.key);
      const argv = (command.match(/'[^']*'|\S+/g) ?? []).map((word) =>
        value(word.replace(/^'|'$/g, '')).replace('tills.csv', rows).replace('tariff.json', tariff),
      );
      const merchant = kept.MERCHANT?.id ?? '';
      writeFileSync(
        rows,
        `merchantId,name,restricted\n${merchant},"Till, second",\n${merchant},Third,true\n`,
      );
      const told = await run(...argv.slice(1));
      if (name !== undefined) kept[name] = [JSON.parse(told)].flat()[0] as { id: string };
    }
    const names = ['TERMINAL', 'PAYCHANNEL', 'KEY', 'BILL', 'CREDIT', 'AGAIN', 'PAYMENT'];
    expect(Object.keys(kept)).toEqual(expect.arrayContaining(names));
    const till = world.http('terminal', kept.TERMINAL?.key);
    const wallet = world.http('paychannel', kept.PAYCHANNEL?.key);
    const order = { orderId: fresh('order'), amount: 500, currency: 'EUR' };
    const { id: billId } = await done(till, 'bill.create', order);
    const payment = { billId, paymentRef: 'p', amount: 500, currency: 'EUR' };
    expect((await done(wallet, 'payment.create', payment)).bill).toMatchObject({ status: 'paid' });
  });

  /** There is a bill of the order that the page looks for, paid, and the lists have it. */
  const complain = async (till?: string, wallet?: string): Promise<void> => {
    const order = { orderId: 'A-1001', amount: 500, currency: 'EUR' };
    const { id: billId } = await done(world.http('terminal', till), 'bill.create', order);
    const payment = { billId, paymentRef: 'w-1', amount: 500, currency: 'EUR' };
    await done(world.http('paychannel', wallet), 'payment.create', payment);
    await expect.poll(() => run('bill', 'list', '--status', 'paid')).toContain(billId);
  };

  /** The wallet rejects what it is asked for, and the lists have it. */
  const reject = async (wallet?: string): Promise<void> => {
    const client = world.http('paychannel', wallet);
    const pending = async () =>
      (await done(client, 'paychannel.credits', { status: 'pending' })).items;
    await expect.poll(async () => (await pending()).length).toBe(1);
    const [{ id: creditId } = { id: '' }] = await pending();
    await done(client, 'credit.settle', { creditId, status: 'rejected', reason: 'closed' });
    await expect.poll(() => run('credit', 'list', '--status', 'rejected')).toContain(creditId);
  };

  test('add terminals from a file once, however often it is imported, with a key for each', async () => {
    const { merchant } = world.process.demo;
    const file = join(folder, 'many.csv');
    const rows = Array.from({ length: 30 }, (_, i) => `${merchant.id},Till ${i}`);
    writeFileSync(file, `merchantId,name\n${rows.join('\n')}\n`);
    const count = async () => {
      const list = await run('terminal', 'list', '--merchant', merchant.id, '--json');
      return (JSON.parse(list) as unknown[]).length;
    };
    const before = await count();
    const first = await qrswitch('terminal', 'import', file, '--url', world.process.baseUrl);
    expect(first.stdout).toContain('30 added, 0 failed');
    expect(first.stderr).toContain('30 of 30 terminals');
    const results = readFileSync(join(folder, 'many.results.csv'), 'utf8').trim().split('\n');
    expect(results).toHaveLength(31);
    const key = /qrs_term_[\w-]+/.exec(results[7] ?? '')?.[0] ?? '';
    await done(world.http('terminal', key), 'bill.list', {});
    await run('terminal', 'import', file);
    expect(await count()).toBe(before + 30);

    writeFileSync(file, `merchantId,name\nmer_none,Nowhere\n`);
    const failed = await qrswitch('terminal', 'import', file, '--url', world.process.baseUrl);
    expect(failed).toMatchObject({ code: 1, stdout: expect.stringContaining('0 added, 1 failed') });
    writeFileSync(file, 'merchant;name\n');
    expect(await qrswitch('terminal', 'import', file)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('the first row must name columns'),
    });
  });

  test('make the first operator of a database, once', async () => {
    vi.stubEnv('DATABASE_URL', world.stores.databaseUrl);
    expect(await qrswitch('operator', 'first', '--name', 'x')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('a system operator with a key already'),
    });
    const other = await createDatabase(inject('postgresUrl'));
    await migrate(other);
    await settleKeyHashes(other, []);
    vi.stubEnv('DATABASE_URL', other);
    const { stdout: key } = await qrswitch('operator', 'first', '--name', 'Operations');
    vi.stubEnv('DATABASE_URL', undefined);
    const directory = new PostgresDirectory({ logger, url: other });
    expect((await directory.holderOfKey(hashKey(key.trim())))?.principal).toMatchObject({
      kind: 'operator',
      role: 'system',
      institutionId: '',
    });
    await directory.close();
  });

  test('show tables to people, and say what is wrong', async () => {
    const list = await run('institution', 'list');
    expect(list).toMatch(/^id +name +belongs to/);
    expect(list).toContain('Demo Bank');
    const [bill = ''] = (await run('bill', 'list', '--order', 'A-1001')).split('\n').slice(2);
    expect(bill).toMatch(/A-1001 +dynamic +confirmed +500 +500 +500 +100 +0 +EUR +live$/);
    const [id = ''] = bill.split(' ');
    const credits = (await run('bill', 'credits', id)).split('\n');
    expect(credits.filter((line) => /returnedOtherwise .*SEPA 2026-0117/.test(line))).toHaveLength(
      1,
    );
    expect(await run('bill', 'timeline', id)).toMatch(
      /payment\.create +payment\.accepted +paychannel /,
    );
    expect(await run('bill', 'show', id)).toMatch(/^status +confirmed\n[\s\S]+\nCredits\nid/m);
    expect(await run('payment', 'list', '--payment-ref', 'w-1', '--json')).toContain(id);
    const paying = await run('payment', 'list', '--side', 'paying');
    expect(paying).toMatch(
      /w-1 +confirmed +500 +100 +pay_\w+ +ins_\w+ +Corner Coffee +confirmed$/m,
    );
    const given = await run('credit', 'list', '--side', 'paying', '--json');
    expect((JSON.parse(given) as { bill: { id: string } }[]).map(({ bill }) => bill.id)).toContain(
      id,
    );
    const strange = ['payment', 'list', '--side', 'paying', '--merchant', 'mer_1'];
    expect(await qrswitch(...strange)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--merchant: the paying side cannot ask by it.'),
    });
    const { code, stderr } = await qrswitch(
      'key',
      'revoke',
      'key_none',
      '--url',
      world.process.baseUrl,
    );
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('There is no such key (key.notFound)'),
    ]);
  });

  test('verify the audit, and find a line that was changed, is missing, or stood at the end', async () => {
    const told = JSON.parse(await run('audit', 'verify', '--json')) as {
      lines: number;
      hash: string;
    };
    expect(told.lines).toBeGreaterThan(5);
    const lines = (await run('audit', 'export')).trim().split('\n');
    expect(lines).toHaveLength(told.lines);
    expect(lines.join()).not.toMatch(/qrs_\w{4}_/);
    await expect(sql`update audit set entry = '{}' where no = 3`).rejects.toThrow('appended to');
    await expect(sql`truncate audit`).rejects.toThrow('appended to');

    const anchor = `${told.lines}:${told.hash}`;
    await run('audit', 'verify', '--anchor', anchor);
    const verdict = async (...argv: string[]) => {
      const { code, stderr } = await qrswitch(
        'audit',
        'verify',
        ...argv,
        '--url',
        world.process.baseUrl,
      );
      return `${code} ${stderr}`;
    };
    await sql`alter table audit disable trigger audit_stays`;
    await sql`delete from audit where no = ${told.lines}`;
    expect(await verdict()).toBe('0 ');
    expect(await verdict('--anchor', anchor)).toContain('its end is missing');
    const [row] = await sql`select entry from audit where no = 3`;
    await sql`update audit set entry = replace(entry, '"no": 3', '"no":  3') where no = 3`;
    expect(await verdict()).toContain('line 3 was changed');
    await sql`update audit set entry = ${row?.entry} where no = 3`;
    expect(await verdict()).toBe('0 ');
    await sql`delete from audit where no = 4`;
    expect(await verdict()).toContain('line 4 is missing');
  });
});

/** What stands between fences of a page. */
function blocksOf(page: URL): string[] {
  return [...readFileSync(page, 'utf8').matchAll(/^```sh\n(.*?)^```$/gms)].map(
    ([, block = '']) => block,
  );
}

/** The lines of a page’s shell blocks that run `qrswitch`. */
function commandsOf(page: string): string[] {
  const blocks = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = '']) => block);
  return blocks
    .flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'))
    .map((line) => line.replace(/^([A-Z]+)=\$\((.*?) \|.*_of\)$/, '$1=$2').trim())
    .filter((line) => /^(?:[A-Z]+=)?qrswitch /.test(line));
}
