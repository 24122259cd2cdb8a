// Other people's drivers in a real switch: loaded from a list, each in a thread of its own, and what they break is told.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Body, done, fresh, type HttpParty, refused } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { DriverFolder, FORMAT } from '../support/plugged-drivers.ts';
import { postgresAlone } from '../support/set-ups.ts';
import { metric, SwitchProcess } from '../support/switch-process.ts';
import { World } from '../support/world.ts';

let folder: DriverFolder;
let world: World;
let till: HttpParty;
let wallet: HttpParty;

const entry = {
  kind: 'qr',
  name: 'meadow',
  package: './format.mjs',
  settings: { prefix: 'MEADOW:' },
  // Far more than it takes on any machine.
  callMs: 30_000,
};

const stuck = {
  kind: 'qr',
  name: 'stuck',
  package: './stuck.mjs',
  settings: { prefix: 'STUCK:' },
  callMs: 100,
};

beforeAll(async () => {
  folder = new DriverFolder({
    'format.mjs': FORMAT,
    'stuck.mjs': FORMAT.replace("name: 'meadow'", "name: 'stuck'"),
  });
  world = await World.start(postgresAlone, {
    QRSWITCH_DRIVERS: folder.list('drivers.json', [entry, stuck]),
  });
  till = world.http('terminal');
  wallet = world.http('paychannel');
});
afterAll(async () => {
  await world?.stop();
  folder?.remove();
});
beforeEach(() => showOutputOnFailure(() => world?.process));

const order = (more: Body = {}): Body => ({
  orderId: fresh('order'),
  amount: 1_200,
  currency: 'EUR',
  qrFormat: 'meadow',
  ...more,
});

describe('a format that the operator has loaded', () => {
  test('is issued by its driver, kept with the bill, and read again', async () => {
    const { id, qr } = await done(till, 'bill.create', order());

    expect(qr.format).toBe('meadow');
    expect(qr.payload).toMatch(new RegExp(`^MEADOW:${id}/1200/[0-9A-Z]{8}$`));
    expect(await done(wallet, 'bill.resolve', { qr: qr.payload })).toMatchObject({
      id,
      due: 1_200,
    });
    const changed = qr.payload.replace('/1200/', '/12/');
    expect(await refused(wallet, 'bill.resolve', { qr: changed })).toMatchObject({
      code: 'qr.tampered',
    });
    expect(await refused(wallet, 'bill.resolve', { qr: 'MEADOW:1' })).toMatchObject({
      code: 'bill.notFound',
    });
  });

  test.each([
    [{ amount: 13 }, 'Thirteen brings bad luck.'],
    [{ currency: 'RUB' }, 'It carries EUR'],
    [{ type: 'static', usage: 'many', amount: 1_200 }, 'no codes for many payments'],
  ])('refuses what it cannot carry, and says why: %j', async (more, said) => {
    expect(await refused(till, 'bill.create', order(more))).toMatchObject({
      status: 422,
      code: 'qr.formatUnfit',
      detail: expect.stringContaining(said),
    });
  });

  test('that breaks, breaks nothing else, and leaves no bill', async () => {
    for (const [way, said] of [
      ['throws', 'oops'],
      ['nonsense', 'its answer to issue is none'],
      ['hangs', 'not answered in 100 ms'],
      ['exits', 'the driver has ended'],
    ] as const) {
      const { orderId: plain, ...rest } = order();
      const orderId = `${way}-${plain}`;
      const qrFormat = way === 'hangs' ? 'stuck' : 'meadow';
      const [no] = await Promise.all([
        refused(till, 'bill.create', { ...rest, orderId, qrFormat }),
        done(till, 'bill.create', order({ qrFormat: 'url' })),
      ]);
      expect(no).toMatchObject({
        status: 503,
        code: 'driver.away',
        detail: expect.stringContaining(said),
      });
      expect(await done(till, 'order.resolve', { orderId })).toMatchObject({ status: 'void' });
    }
    // It is made anew.
    await expect.poll(async () => (await till.ask('bill.create', order())).status).toBe(201);
    const { baseUrl } = world.process;
    expect(await metric(baseUrl, 'qrswitch_drivers_ended_total')).toBeGreaterThan(0);
    expect(world.process.logged('driver.failed').map(({ driver }) => driver)).toContain('meadow');
  });

  test('is named in the refusal of one that is not', async () => {
    expect(await refused(till, 'bill.create', order({ qrFormat: 'pix' }))).toMatchObject({
      code: 'request.invalid',
      errors: [{ path: 'qrFormat', message: 'must be one of url, emvco, sbp, meadow, stuck' }],
    });
  });
});

describe('a list of drivers', () => {
  test('with settings that do not fit is refused at start, and says what to mend', async () => {
    const unfit = { ...entry, settings: { prefix: 'x' } };
    const env = { QRSWITCH_DRIVERS: folder.list('unfit.json', [unfit]) };
    const launched = await SwitchProcess.launch({ stores: world.stores, env });
    try {
      expect((await launched.ended()).code).toBe(1);
      expect(launched.output).toContain(
        'qrswitch cannot start: StartRefusal: the driver meadow (./format.mjs) of QRSWITCH_DRIVERS cannot be used: meadow: prefix:',
      );
    } finally {
      await launched.remove();
    }
  });
});
