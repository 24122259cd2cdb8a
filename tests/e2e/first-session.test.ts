// What a newcomer sees: the session that the switch prints, pasted into a shell, and `npm run demo`.

import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { done } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { emptyPostgres } from '../support/set-ups.ts';
import { DIST } from '../support/switch-process.ts';
import { World } from '../support/world.ts';

const run = promisify(execFile);

/** A bash whose input is a socket, as Node's pipes are, takes itself for a login from afar and reads its start-up file. */
const STRICT = ['--norc', '-euo', 'pipefail'];

describe('the first session', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start(emptyPostgres);
  });
  afterAll(() => world?.stop());
  beforeEach(() => showOutputOnFailure(() => world?.process));

  test('is printed once the switch serves, and pasted twice ends in paid and confirmed bills', async () => {
    await world.process.until('printing', () => world.process.output.includes("/confirm '{}'"));
    const { output } = world.process;
    const end = "/confirm '{}'";
    const session = output.slice(output.indexOf('BASE='), output.lastIndexOf(end) + end.length);
    for (let time = 0; time < 2; time++) {
      const { stdout, stderr } = await run('bash', [...STRICT, '-c', session]);
      expect(stderr).toBe('');
      expect(stdout).toContain('"status":"paid"');
      expect(stdout).toContain('"type":"bill.paid"');
      expect(stdout.trimEnd().split('\n').at(-1)).toContain('"status":"confirmed"');
      expect(stdout).not.toContain('/problems/');
      // Order ids are of whole seconds.
      const second = Math.floor(Date.now() / 1000);
      await world.process.until('a second later', () => Math.floor(Date.now() / 1000) > second);
    }
    // Lists follow what was answered.
    await world.process.until('listing both', async () => {
      const { items } = await done(world.http('terminal'), 'bill.list', { status: 'confirmed' });
      return items.length === 2;
    });
  });

  test('has its keys in demo.json, for nobody else to read', () => {
    const file = join(world.process.dataDir, 'demo.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(world.process.demo).toEqual({
      baseUrl: world.process.baseUrl,
      institution: { id: expect.any(String) },
      operator: { key: expect.any(String) },
      merchant: { id: expect.any(String) },
      terminal: { id: expect.any(String), key: expect.any(String) },
      paychannel: { id: expect.any(String), key: expect.any(String) },
    });
  });

  test('is told by npm run demo as a person would read it', async () => {
    const env = { PATH: process.env.PATH ?? '', QRSWITCH_DATA_DIR: world.process.dataDir };
    const { stdout } = await run(process.execPath, [join(DIST, 'cli/demo.js')], { env });
    expect(stdout).toContain('Corner Coffee, Springfield, asks for 12.50 EUR');
    expect(stdout).toMatch(/█|▀|▄/);
    expect(stdout).toContain('the bill is confirmed, 2.50 EUR go back');
    expect(stdout).toContain('credit.settled');
    expect(stdout).toContain(`QRSWITCH_ACQUIRERS=${join(world.process.dataDir, 'demo-bank.json')}`);
  });

  test('has a bill at a bank in its demo, once the switch is started with the file that the demo has written', async () => {
    const { dataDir } = world.process;
    await world.runWith({ QRSWITCH_ACQUIRERS: join(dataDir, 'demo-bank.json') });
    const env = { PATH: process.env.PATH ?? '', QRSWITCH_DATA_DIR: dataDir };
    const { stdout } = await run(process.execPath, [join(DIST, 'cli/demo.js')], { env });
    expect(stdout).toContain('registered it at the bank (T-Bank, simulated)');
    expect(stdout).toContain('own books say 125.00 RUB paid, 25.00 RUB returned');
    expect(stdout).not.toContain('QRSWITCH_ACQUIRERS');
  });
});
