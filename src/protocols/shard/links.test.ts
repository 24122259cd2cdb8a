// Both ends of a link between a gateway and a worker, over a real port.

import { MessageChannel } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import { billId } from '../../../tests/support/bill-fixtures.ts';
import { ManualClock } from '../../../tests/support/manual-clock.ts';
import { codesAt } from '../../../tests/support/qr-claims.ts';
import type { BillId } from '../../domain/ids.ts';
import { makePresenter } from '../presenter.ts';
import { GatewayLink } from './gateway-link.ts';
import { WorkerLink } from './worker-link.ts';

const BASE = 'https://pay.example';
const presenter = makePresenter({ publicBaseUrl: BASE, codes: codesAt(BASE) });
const host = { receive: () => undefined, ask: () => Promise.reject(new Error('nobody asks')) };

describe('a shard that begins anew', () => {
  test('is heard of while another worker is away: its events must not pass those that nobody has read', async () => {
    const worker = new WorkerLink(presenter);
    const { port1, port2 } = new MessageChannel();
    const gateway = new GatewayLink({ shards: 4, workers: 2, clock: new ManualClock(), presenter });
    worker.attach(port1, host);
    gateway.attach(0, port2);
    const heard = new Promise<void>((resolve) => gateway.onWorkerStart(resolve));
    worker.begun();
    worker.flush();
    await expect(heard).resolves.toBeUndefined();
    worker.close();
    gateway.close();
  });
});

describe('what spans several bills and has not ended', () => {
  const links: { close(): void }[] = [];
  afterEach(() => {
    for (const link of links.splice(0)) link.close();
  });

  function gatewayOf(worker: WorkerLink): GatewayLink {
    const { port1, port2 } = new MessageChannel();
    const gateway = new GatewayLink({ shards: 4, workers: 1, clock: new ManualClock(), presenter });
    worker.attach(port1, host);
    gateway.attach(0, port2);
    links.push(gateway);
    return gateway;
  }

  test('is told to all who are linked, since not each of them can end it', async () => {
    const worker = new WorkerLink(presenter);
    links.push(worker);
    const heard: [gateway: number, bill: BillId][] = [];
    const told = Promise.all(
      [0, 1].map((no) => {
        const gateway = gatewayOf(worker);
        gateway.onUnfinished((bill) => heard.push([no, bill]));
        return new Promise<void>((resolve) => gateway.onWorkerStart(resolve));
      }),
    );
    worker.unfinished(billId(7));
    // What both hear comes with it, or after it.
    worker.begun();
    worker.flush();
    await told;
    expect(heard.toSorted()).toEqual([
      [0, billId(7)],
      [1, billId(7)],
    ]);
  });

  test('is told to nobody where no gateway is there, and harms nobody', () => {
    const worker = new WorkerLink(presenter);
    worker.unfinished(billId(7));
    expect(() => worker.flush()).not.toThrow();
  });
});
