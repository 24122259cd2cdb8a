// The long attack over the wire: real stores, the built switch, honest customers, and all attackers at once.

import { Answers } from '../../support/answers.ts';
import { onboardInstitution } from '../../support/onboarding.ts';
import { createDatabase, startPostgres } from '../../support/postgres-server.ts';
import { startRedis } from '../../support/redis-server.ts';
import { SwitchProcess } from '../../support/switch-process.ts';
import { Choices } from '../choices.ts';
import { promise } from '../target.ts';
import { HttpAttacker } from './http-attacker.ts';
import {
  hugeBodies,
  malformed,
  slowSockets,
  smuggling,
  spoiltRequest,
  wrongKeys,
} from './http-attacks.ts';
import { beginCustomers } from './legitimate.ts';
import { rssMb, Siege } from './siege.ts';
import { StreamAttacker } from './stream-attacker.ts';
import { floods, spoiltFrames, strangersFrames, wrongFrames } from './stream-attacks.ts';

export const WIRE_KINDS = ['http', 'ws'] as const;
export type WireKind = (typeof WIRE_KINDS)[number];

export interface WireBudget {
  readonly seed: number;
  readonly inputs: number;
  readonly forMs: number;
  tell(line: string): void;
}

type Attack = (choices: Choices) => Promise<void>;

const SLOW = 2_000;
const HUGE_MB = 100;
/** How long an idle connection is kept, and a little. */
const IDLE_MS = 25_000;
/** Memory that it may hold beyond what it held when half of the time was over. */
const GROWTH_MAX_MB = 200;

/** How many inputs of each kind the switch has survived; throws where it has not. */
export async function wireFuzz(
  kinds: readonly WireKind[],
  budget: WireBudget,
): Promise<ReadonlyMap<string, number>> {
  const redis = await startRedis();
  const server = await startPostgres({ settings: { max_connections: '100' } });
  const databaseUrl = await createDatabase(server.url);
  const stores = { databaseUrl, redisUrl: redis.url };
  const env = { QRSWITCH_LOG_LEVEL: 'debug' };
  const running = await SwitchProcess.start({ stores, env });
  try {
    const institution = await onboardInstitution(databaseUrl);
    const answers = await Answers.of(running.baseUrl);
    const siege = new Siege({ process: running, databaseUrl, answers, institution });
    await attackAll(siege, kinds, budget);
    return siege.counts;
  } finally {
    await running.remove();
    await server.stop();
    await redis.stop();
  }
}

async function attackAll(
  siege: Siege,
  kinds: readonly WireKind[],
  budget: WireBudget,
): Promise<void> {
  const { process } = siege;
  const customers = await beginCustomers(process, siege.answers);
  if (budget.inputs > 1) await once(siege, kinds);
  const began = performance.now();
  let middle = 0;
  const look = setInterval(() => {
    const isHalf = performance.now() - began > budget.forMs / 2;
    if (isHalf && middle === 0) middle = rssMb(process.pid);
    budget.tell(`${siege.inputs} inputs, ${rssMb(process.pid)} MB, ${customers.bought()} bought`);
  }, 30_000);
  try {
    await Promise.all(attackers(siege, kinds).map((attack) => repeated(attack, budget)));
  } finally {
    clearInterval(look);
  }
  await customers.end();
  const rssMaxMb = middle === 0 ? Number.POSITIVE_INFINITY : middle + GROWTH_MAX_MB;
  await siege.aftermath({ rssMaxMb });
  budget.tell(`${rssMb(process.pid)} MB at the end, ${middle} MB half-way`);
}

function attackers(siege: Siege, kinds: readonly WireKind[]): Attack[] {
  const attacks: Attack[] = [];
  if (kinds.includes('http')) {
    const [first, second] = [new HttpAttacker(siege), new HttpAttacker(siege)];
    attacks.push(
      (choices) => first.attack(choices),
      (choices) => second.attack(choices),
    );
    attacks.push((choices) => spoiltRequest(siege, choices));
  }
  if (kinds.includes('ws')) {
    for (const encoding of ['json', 'msgpack'] as const) {
      for (const api of ['terminal', 'paychannel'] as const) {
        const attacker = new StreamAttacker(siege, encoding, api);
        attacks.push((choices) => attacker.attack(choices));
      }
    }
    attacks.push((choices) => spoiltFrames(siege, choices));
  }
  return attacks;
}

/** What need not be repeated: all of it with customers beside. */
async function once(siege: Siege, kinds: readonly WireKind[]): Promise<void> {
  if (kinds.includes('http')) {
    await smuggling(siege);
    await malformed(siege);
    await hugeBodies(siege, HUGE_MB);
    await wrongKeys(siege, 1_000);
    const slow = await slowSockets(siege, SLOW);
    const ended = await Promise.all(slow.map((socket) => socket.closed(IDLE_MS)));
    promise(!ended.includes(false), 'an idle connection was kept', '');
  }
  if (kinds.includes('ws')) {
    await wrongFrames(siege);
    await strangersFrames(siege);
    await floods(siege, 20_000);
  }
}

async function repeated(attack: Attack, { seed, inputs, forMs }: WireBudget): Promise<void> {
  const until = performance.now() + forMs;
  for (let i = 0; i < inputs && performance.now() < until; i++) {
    try {
      await attack(Choices.ofSeed(seed + i));
    } catch (error) {
      throw new Error(`seed ${seed + i}: ${(error as Error).message}`, { cause: error });
    }
  }
}
