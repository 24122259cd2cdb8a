// Idle terminals: a process of its own that opens WebSockets, tells when they are open, and holds them until it ends.

import { openWebSocket } from './connections.ts';
import { jsonWire } from './wire.ts';

export interface IdleTask {
  readonly port: number;
  readonly keys: readonly string[];
}

export type FromIdle =
  | { readonly type: 'open'; readonly count: number }
  | { readonly type: 'failed'; readonly reason: string };

const AT_ONCE = 32;

process.once('disconnect', () => process.exit(0));
process.on('message', (task: IdleTask) => {
  const say = (message: FromIdle): void => void process.send?.(message);
  const failed = (why: unknown): void => say({ type: 'failed', reason: String(why) });
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let key = task.keys[next++]; key !== undefined; key = task.keys[next++]) {
      await openWebSocket({
        host: '127.0.0.1',
        port: task.port,
        path: '/v1/terminal/stream',
        key,
        subprotocol: jsonWire.subprotocol,
        opcode: jsonWire.opcode,
        onMessage: (text) => failed(`an idle terminal heard ${text}`),
        onLost: failed,
      });
    }
  };
  Promise.all(Array.from({ length: AT_ONCE }, lane)).then(
    () => say({ type: 'open', count: task.keys.length }),
    failed,
  );
});
