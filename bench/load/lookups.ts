// Look-ups of keys: a process of its own in which each key makes one call, in a drawn order, over kept connections. The
// call is refused for its empty body, which happens after the key is known and before anything else.

import { type HttpLink, openHttp } from './connections.ts';
import { histogram, percentiles, record } from './latencies.ts';
import type { Percentiles } from './messages.ts';

export interface LookupsTask {
  readonly port: number;
  readonly keys: readonly string[];
  readonly connections: number;
}

export interface LookupsOutcome {
  readonly perSecond: number;
  readonly latencyMs: Percentiles;
}

export type FromLookups =
  | { readonly type: 'done'; readonly outcome: LookupsOutcome }
  | { readonly type: 'failed'; readonly reason: string };

const MALFORMED = 400;

process.once('disconnect', () => process.exit(0));
process.on('message', (task: LookupsTask) => {
  const say = (message: FromLookups): void => void process.send?.(message);
  lookUpAll(task).then(
    (outcome) => say({ type: 'done', outcome }),
    (error: unknown) => say({ type: 'failed', reason: String(error) }),
  );
});

async function lookUpAll({ port, keys, connections }: LookupsTask): Promise<LookupsOutcome> {
  const latency = histogram();
  const drawn = shuffled(keys);
  let fail: (why: Error) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  const links: HttpLink[] = [];
  for (let i = 0; i < Math.min(connections, keys.length); i++) {
    links.push(await openHttp({ host: '127.0.0.1', port, key: '', onLost: (why) => fail(why) }));
  }
  const startedAt = performance.now();
  let next = 0;
  const lane = async (link: HttpLink): Promise<void> => {
    for (let key = drawn[next++]; key !== undefined; key = drawn[next++]) {
      const askedAt = performance.now();
      link.become(key);
      const status = await new Promise<number>((done) =>
        link.post('/v1/terminal/bills', '{}', (code) => done(code)),
      );
      if (status !== MALFORMED) throw new Error(`a look-up was answered ${status}`);
      record(latency, performance.now() - askedAt);
    }
  };
  try {
    await Promise.race([Promise.all(links.map(lane)), failed]);
  } finally {
    for (const link of links) link.close();
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  return { perSecond: keys.length / seconds, latencyMs: percentiles(latency) };
}

function shuffled(keys: readonly string[]): string[] {
  const drawn = [...keys];
  for (let last = drawn.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [drawn[last], drawn[other]] = [drawn[other] ?? '', drawn[last] ?? ''];
  }
  return drawn;
}
