// Starts and ends the peers' processes.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Sql } from 'postgres';
import type { MerchantId } from '../../src/domain/ids.ts';
import { addKey, addTerminal } from '../../src/persistence/onboarding.ts';
import type { FromPeer, PeerTask } from './serving.ts';

export type HttpPeer = 'fastify' | 'uws' | 'echo';

export interface RunningPeer {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

export function startPeer(name: HttpPeer, task: PeerTask): Promise<RunningPeer> {
  return new Promise((done, fail) => {
    const child = fork(new URL(`./${name}/server.js`, import.meta.url), { execArgv: [] });
    const ended = once(child, 'exit');
    child.once('message', (message: FromPeer) => {
      if (message.type === 'failed') {
        fail(new Error(`the peer ${name}: ${message.reason}`));
        return;
      }
      done({
        port: message.port,
        pid: child.pid ?? 0,
        stop: async () => {
          child.kill('SIGKILL');
          await ended;
        },
      });
    });
    child.once('error', fail);
    child.once('exit', (code) => fail(new Error(`the peer ${name} ended with ${code}`)));
    child.send(task);
  });
}

export interface PeerParties {
  readonly terminals: readonly { readonly id: string; readonly key: string }[];
  readonly wallet: { readonly id: string; readonly key: string };
}

/** Terminals and a wallet in the peers' database, whose merchant and paychannel bench/sql/directory.sql makes. */
export async function onboardPeers(sql: Sql, count: number): Promise<PeerParties> {
  const merchantId = 'merchant-1' as MerchantId;
  const terminals: { id: string; key: string }[] = [];
  for (let i = 0; i < count; i++) {
    const id = await addTerminal(sql, { merchantId, name: `Peer till ${i}` });
    terminals.push({ id, key: await addKey(sql, { kind: 'terminal', id }) });
  }
  const id = 'paychannel-1';
  return { terminals, wallet: { id, key: await addKey(sql, { kind: 'paychannel', id }) } };
}
