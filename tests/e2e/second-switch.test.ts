// Two switches where one should be: the second waits, says for whom, and takes over when the first is gone.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Answers } from '../support/answers.ts';
import { done, fresh, HttpParty } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { type RunningStores, setUps } from '../support/set-ups.ts';
import { SwitchProcess } from '../support/switch-process.ts';

/** How often two switches start at one moment. More by RACES: each costs two starts. */
const RACES = Number(process.env.RACES ?? 2);

describe.each(setUps)('a second switch on $name', (setUp) => {
  let stores: RunningStores;
  const running: SwitchProcess[] = [];

  beforeAll(async () => {
    stores = await setUp.start();
  });
  afterAll(() => stores?.stop());
  afterEach(async () => {
    for (const each of running.splice(0)) await each.remove();
  });
  beforeEach(() => showOutputOnFailure(() => running.at(-1)));

  const launch = async (
    name: string,
    of?: { port?: number; dataDir?: string },
  ): Promise<SwitchProcess> => {
    const launched = await SwitchProcess.launch({
      stores,
      env: { QRSWITCH_NODE_NAME: name },
      ...of,
    });
    running.push(launched);
    return launched;
  };

  test('waits for the port, and takes it when the first stops', async () => {
    const first = await launch('first');
    await first.ready();
    const { port, dataDir } = first;
    const second = await launch('second', { port, dataDir });
    await second.until('waiting', () => second.logged('port.taken').length > 0);
    expect(second.logged('port.taken')).toMatchObject([{ port, whom: 'the switch first' }]);
    expect((await first.readiness())?.body).toMatchObject({ node: 'first' });
    expect(await first.stop()).toEqual({ code: 0, signal: null });
    await second.until('serving', async () => (await second.readiness())?.body.node === 'second');
    await second.ready();
  });

  test('waits unready for the shards, names their holder, and serves once they are free', async () => {
    const first = await launch('first');
    await first.ready();
    const { dataDir } = first;
    const key = first.demo.terminal.key;
    const till = async (of: SwitchProcess): Promise<HttpParty> =>
      new HttpParty(of.baseUrl, 'terminal', key, await Answers.of(of.baseUrl));
    const order = { orderId: fresh('order'), amount: 100, currency: 'EUR' };
    const bill = await done(await till(first), 'bill.create', order);

    const second = await launch('second', { dataDir });
    const waitsFor = `shards held by first (pid ${first.pid}, worker 0)`;
    await second.until('waiting', async () => {
      return JSON.stringify((await second.readiness())?.body.waitsFor ?? []).includes(waitsFor);
    });
    await second.until('waiting for each of them', async () => {
      const { ready, shards } = (await second.readiness())?.body ?? {};
      return ready === false && (shards as Record<string, number>)?.waiting === 8;
    });
    expect((await second.readiness())?.status).toBe(503);
    const refusal = await (await till(second)).ask('bill.get', { billId: bill.id });
    expect(refusal).toMatchObject({
      status: 503,
      body: { code: 'shard.unavailable', retryable: true },
    });
    expect(await done(await till(first), 'bill.get', { billId: bill.id })).toEqual(bill);

    first.signal('SIGTERM');
    await second.ready();
    expect(await first.ended()).toEqual({ code: 0, signal: null });
    expect(await done(await till(second), 'bill.get', { billId: bill.id })).toMatchObject({
      id: bill.id,
      version: 1,
    });

    const third = await launch('third', { dataDir });
    await third.until('waiting', async () => {
      return JSON.stringify((await third.readiness())?.body.waitsFor ?? []).includes(
        'held by second',
      );
    });
    await second.kill();
    await third.ready();
    // A holder on the same machine is known to be dead, so that nobody waits for its lease to run out.
    const gone = third.logged('lease.holderGone');
    expect(gone.map(({ shard }) => shard).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const { holder } of gone) expect(holder).toContain('"second"');
    expect(await done(await till(third), 'bill.create', order)).toMatchObject({
      id: bill.id,
      version: 1,
    });
  });

  test('that starts at the same moment on the same port waits for the other', async () => {
    const first = await launch('first');
    await first.ready();
    const { port, dataDir } = first;
    await first.stop();
    for (let race = 0; race < RACES; race++) {
      const both = await Promise.all(
        ['left', 'right'].map((name) => launch(name, { port, dataDir })),
      );
      const waiting = (): SwitchProcess[] =>
        both.filter((each) => each.logged('port.taken').length > 0);
      const ready = (): SwitchProcess[] =>
        both.filter((each) => each.logged('switch.ready').length > 0);
      await Promise.all(
        both.map((each) =>
          each.until('settled', () => waiting().length === 1 && ready().length === 1),
        ),
      );
      expect(waiting()[0]).not.toBe(ready()[0]);
      await Promise.all(both.map((each) => each.kill()));
    }
  });
});
