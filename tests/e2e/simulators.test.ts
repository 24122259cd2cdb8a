// Simulated tills and wallets against a real switch: with everything going wrong on the way their books agree with the
// switch's, and what a switch must never do they see.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { MARKET_DEFAULTS, type Report } from '../../src/simulators/market/options.ts';
import { calm, TERMINAL_RATES, WALLET_RATES } from '../../src/simulators/market/rates.ts';
import {
  type ShopOptions,
  type ShopReport,
  simulateShop,
} from '../../src/simulators/market/shop.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import {
  type Body,
  type Lies,
  type Passing,
  startLyingLine,
  type Told,
} from '../support/lying-line.ts';
import { postgresAlone } from '../support/set-ups.ts';
import { DIST } from '../support/switch-process.ts';
import { World } from '../support/world.ts';

const run = promisify(execFile);

describe('a simulated market', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start(postgresAlone);
  });
  afterAll(() => world?.stop());
  beforeEach(() => showOutputOnFailure(() => world?.process));

  const marketAt = (baseUrl: string, name: string): ShopOptions => {
    const { terminal, paychannel } = world.keys;
    const market = { ...MARKET_DEFAULTS, baseUrl, count: 100, run: name };
    return {
      terminals: {
        ...market,
        keys: [terminal],
        rate: 80,
        seconds: 1,
        waitMs: 2_500,
        currency: 'EUR',
        rates: TERMINAL_RATES,
      },
      wallets: { ...market, keys: [paychannel], rate: 0, rates: WALLET_RATES },
    };
  };

  test('has the books of the switch, whatever goes wrong on the way', async () => {
    const { terminals, wallets } = marketAt(world.process.baseUrl, 'rough');
    const running = await simulateShop({
      terminals: { ...terminals, rates: oftener(TERMINAL_RATES) },
      wallets: { ...wallets, rates: oftener(WALLET_RATES) },
    });
    const report = await running.report;

    expect(differencesIn(report)).toEqual([]);
    for (const what of ['bills confirmed', 'bills confirmed below', 'bills cancelled', 'refunds']) {
      expect(report.terminals.done[what], what).toBeGreaterThan(0);
    }
    for (const what of ['payments taken', 'credits settled', 'credits rejected', 'reserved']) {
      expect(report.wallets.done[what], what).toBeGreaterThan(0);
    }
    for (const each of [report.terminals, report.wallets]) {
      expect(Object.keys(each.faults)).toEqual(
        expect.arrayContaining(['ackTwice', 'drop', 'duplicate', 'lostAnswer', 'lostRequest']),
      );
    }
    expect(report.terminals.books.compared.orders).toBeGreaterThan(40);
  });

  test('sees what a switch must never do', async () => {
    const line = await startLyingLine(world.process.baseUrl, liesOf('lied'));
    const { terminals, wallets } = marketAt(line.url, 'lied');
    const honest = { transport: 'http', graceMs: 300 } as const;
    const running = await simulateShop({
      terminals: {
        ...terminals,
        ...honest,
        rates: calm(TERMINAL_RATES),
        rate: 20,
        seconds: 0.3,
        waitMs: 60_000,
      },
      wallets: { ...wallets, ...honest, rates: calm(WALLET_RATES) },
    });
    const report = await running.report;
    line.close();

    const wallet = report.wallets.books.differences.join('\n');
    expect(wallet).toMatch(/payment lied-p0-0: \d+ reported, \d+ answered/);
    expect(wallet).toContain('payment lied-p1-0 was refused (bill.notPayable), and is listed as');
    expect(wallet).toContain('payment lied-p2-0 stands twice');
    expect(wallet).toContain('payment lied-p3-0 was taken, and is not listed');
    const till = report.terminals.books.differences.join('\n');
    expect(till).toMatch(/bill \w+: confirmed \d+, answered \d+/);
    const between = report.between.join('\n');
    expect(between).toMatch(/the till was paid \d+, wallets have 0 taken/);
    expect(between).toMatch(/0 were to go back, wallets were asked for \d+/);
    expect(report.between.length).toBe(2);
  });

  test('runs as two commands, codes going from the one to the other', async () => {
    const command = `"${process.execPath}" "${join(DIST, 'cli/main.js')}" simulate`;
    const options = `--demo "${join(world.process.dataDir, 'demo.json')}" --json`;
    const { stdout, stderr } = await run('bash', [
      '-c',
      `set -o pipefail; ${command} terminals ${options} --rate 20 --for 0.5 --wait 60 --calm --fault lostAnswer=0.1 --run piped | ${command} wallets ${options} --calm --run piped`,
    ]);

    const wallets = JSON.parse(stdout) as Report;
    expect(wallets.books).toMatchObject({ agree: true, differences: [] });
    expect(wallets.done['payments taken']).toBeGreaterThan(0);
    expect(stderr).toContain('"simulated": "terminals"');
    expect(stderr).toContain('"agree": true');
  });
});

/** Often enough to be met with within seconds. */
function oftener<Name extends string>(rates: Readonly<Record<Name, number>>): Record<Name, number> {
  const names = Object.keys(rates) as Name[];
  return Object.fromEntries(names.map((name) => [name, Math.min(0.3, rates[name] * 2)])) as Record<
    Name,
    number
  >;
}

function differencesIn({ terminals, wallets, between }: ShopReport): string[] {
  return [...terminals.books.differences, ...wallets.books.differences, ...between];
}

/**
 * One payment is answered as less than it was, one that was taken as refused; one is listed twice, one not at all; of one
 * bill less is confirmed.
 */
function liesOf(name: string): Lies {
  const payment = (no: number): string => `${name}-p${no}-0`;
  let confirms = 0;
  return {
    ask({ path, body }: Passing) {
      if (!path.endsWith('/confirm')) return body;
      confirms += 1;
      return confirms === 1 ? { ...body, amount: 1 } : body;
    },
    answer({ method, path, body: asked }: Passing, told: Told): Told {
      const { status, body } = told;
      if (method === 'POST' && asked.paymentRef === payment(0)) {
        const paid = body.payment as Body;
        return { status, body: { ...body, payment: { ...paid, amount: Number(paid.amount) - 1 } } };
      }
      if (method === 'POST' && asked.paymentRef === payment(1)) {
        return { status: 409, body: { code: 'bill.notPayable' } };
      }
      if (path !== '/v1/paychannel/payments') return told;
      const items = body.items as Body[];
      const doubled = items.filter(({ paymentRef }) => paymentRef === payment(2));
      const shown = items.filter(({ paymentRef }) => paymentRef !== payment(3));
      return { status, body: { ...body, items: [...shown, ...doubled] } };
    },
  };
}
