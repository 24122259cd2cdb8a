// `npm run storm -- --keys 100000 --seed 1 --log redis`: prints what became of every key.

import { parseArgs } from 'node:util';
import { createDatabase, startPostgres } from '../support/postgres-server.ts';
import { startRedis } from '../support/redis-server.ts';
import { runStorm, type StormTally } from './run.ts';

/** Resolves with the exit code. */
export async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      keys: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '1' },
      'kill-every': { type: 'string', default: '5000' },
      log: { type: 'string', default: 'redis' },
    },
  });
  const { log } = values;
  if (log !== 'redis' && log !== 'postgres') throw new Error('--log is redis or postgres');
  const began = Date.now();
  const server = await startPostgres();
  const redis = log === 'redis' ? await startRedis() : null;
  try {
    const tally = await runStorm({
      stores: {
        databaseUrl: await createDatabase(server.url),
        redisUrl: redis?.url ?? null,
      },
      keys: Number(values.keys),
      seed: Number(values.seed),
      killEvery: Number(values['kill-every']),
      onProgress: ({ keys, sent, faults }) => {
        if (process.stdout.isTTY !== true || keys % 100 !== 0) return;
        process.stdout.write(`\r${keys} keys, ${sent} sent, ${faults.length} faults `);
      },
    });
    const seconds = Math.round((Date.now() - began) / 1000);
    console.log(`\nlog in ${log}, seed ${values.seed}, ${seconds} s\n${table(tally)}`);
    for (const fault of tally.faults) console.log(`fault: ${fault}`);
    return tally.faults.length === 0 ? 0 : 1;
  } finally {
    await redis?.stop();
    await server.stop();
  }
}

function table(tally: StormTally): string {
  const rows: readonly (readonly [string, number])[] = [
    ['keys', tally.keys],
    ['requests', tally.sent],
    ['lost on their way', tally.lost],
    ['refused for another body', tally.refused],
    ['sent again when long done', tally.late],
    ['kills of the switch', tally.kills],
    ['faults', tally.faults.length],
  ];
  return rows.map(([what, count]) => `${what.padEnd(28)}${count}`).join('\n');
}
