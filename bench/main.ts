// `npm run bench -- <subcommand> [options]`: a number per claim.

import { batch } from './batch.ts';
import { fairness } from './fairness.ts';
import { latency } from './latency.ts';
import { lifecycle, load } from './lifecycle.ts';
import { overload } from './overload.ts';
import { profile } from './profile.ts';
import { recovery } from './recovery.ts';
import { scale } from './scale.ts';
import { slowDisk } from './slow-disk.ts';

const USAGE = `Usage: npm run bench -- [lifecycle | batch | fairness | latency | load | overload | profile | recovery | scale | slow-disk] [options]

  lifecycle   durable bill lifecycles a second, beside the same by others, in alternating rounds
  batch       bills a second through the batch call, in turns with bills created one by one
  fairness    a quiet institution's latencies alone, and beside one that has all in flight that it can
  latency     at fixed rates, from the intended time: view, pay, pay → event and the rest
  load        the switch alone: rate and processor time, for trying a change
  overload    at three times the closed-loop peak: what is still done, and how soon all is as before
  profile     where the threads of the switch spend their time under that load, with flame graphs
  scale       throughput and memory as bills, terminals, threads or payers grow
  slow-disk   with 2 ms added to every sync (or --fsync-delay-ms), beside without
  recovery    from start to ready, by what history does not have of the log

Options
  --rounds=5          alternating rounds
  --seconds=6         measured seconds of each contestant in a round
  --warm-up=2         seconds before them
  --concurrency=8,32,128,256   lifecycles in flight, tried one after the other before the rounds
  --protocols=ws-msgpack,ws-json,http
  --peers=pgbench,fastify,uws,echo,redis,hot   who runs beside the switch; none for none
  --rate=25%,50%,75%  latency: parts of the closed-loop peak, or lifecycles a second
  --cases=residents,history,terminals,directory,threads,hot,billboard   scale: which
  --steps=NAME=N,N    scale, recovery, batch: how far a case goes, such as residents=10000,1000000, tails=0,100000 or
                      bills=100000;
                      of threads the numbers of the combinations; may be repeated
  --fsync-delay-ms=0  added to every sync of Redis and Postgres, as on a slower disk (needs gcc)
  --terminals=64      terminals among which lifecycles are spread, a connection each
  --wallets=4         WebSocket connections of the wallet
  --main=dist/main.js the build of the switch
  --cpu-prof=FOLDER   profile: where to leave the profiles
  --env=NAME=VALUE    an option of the switch, such as QRSWITCH_SHARDS=4; may be repeated
  --node=FLAG         a flag for the switch's node; may be repeated
  --quick             one round of two seconds: does it work?
`;

const SUBCOMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  lifecycle,
  batch,
  fairness,
  latency,
  load,
  overload,
  profile,
  recovery,
  scale,
  'slow-disk': slowDisk,
};

const [first, ...rest] = process.argv.slice(2);
const name = first === undefined || first.startsWith('--') ? 'lifecycle' : first;
const subcommand = SUBCOMMANDS[name];
if (subcommand === undefined || process.argv.includes('--help')) {
  process.stdout.write(USAGE);
  process.exitCode = subcommand === undefined ? 1 : 0;
} else {
  await subcommand(name === first ? rest : process.argv.slice(2));
}
