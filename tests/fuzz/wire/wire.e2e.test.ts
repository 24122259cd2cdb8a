// The real switch under fire, on real stores, with honest customers beside. Each kind of attack has a fixed budget;
// `npm run fuzz -- --minutes 10` goes on for longer.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { showOutputOnFailure } from '../../support/failure-output.ts';
import { onboardInstitution } from '../../support/onboarding.ts';
import { redisAndPostgres } from '../../support/set-ups.ts';
import { metric } from '../../support/switch-process.ts';
import { World } from '../../support/world.ts';
import { Choices } from '../choices.ts';
import { HttpAttacker } from './http-attacker.ts';
import {
  hugeBodies,
  malformed,
  slowSockets,
  smuggling,
  spoiltRequest,
  wrongKeys,
} from './http-attacks.ts';
import { beginCustomers, type Legitimate } from './legitimate.ts';
import { Siege } from './siege.ts';
import { StreamAttacker } from './stream-attacker.ts';
import { floods, spoiltFrames, strangersFrames, wrongFrames } from './stream-attacks.ts';

const SEED = 20_260_131;
const INPUTS = 200;
/** `SLOW_SOCKETS=2000 npm run e2e -- wire` is what an attacker could afford. */
const SLOW = Number(process.env.SLOW_SOCKETS ?? 300);

describe('a switch under fire', () => {
  let world: World;
  let siege: Siege;
  let customers: Legitimate;

  beforeAll(async () => {
    // Debug is the most that a log can tell.
    world = await World.start(redisAndPostgres, { QRSWITCH_LOG_LEVEL: 'debug' });
    const { databaseUrl } = world.stores;
    const institution = await onboardInstitution(databaseUrl);
    siege = new Siege({ process: world.process, databaseUrl, answers: world.answers, institution });
    customers = await beginCustomers(world.process, world.answers);
  });
  afterAll(() => world?.stop());
  beforeEach(() => showOutputOnFailure(() => world?.process));

  /** The seed of a failing input is in the failure: `--only http --seed …` replays it. */
  const repeated = async (
    inputs: number,
    run: (choices: Choices) => Promise<void>,
  ): Promise<void> => {
    for (let i = 0; i < inputs; i++) {
      const seed = SEED + i;
      try {
        await run(Choices.ofSeed(seed));
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
    }
  };

  test('answers what nearly fits by its contract, over HTTP and both kinds of WebSocket', async () => {
    const attackers = [
      new HttpAttacker(siege),
      ...(['json', 'msgpack'] as const).flatMap((encoding) => [
        new StreamAttacker(siege, encoding, 'terminal'),
        new StreamAttacker(siege, encoding, 'paychannel'),
      ]),
    ];
    await Promise.all(
      attackers.map((attacker) =>
        repeated(INPUTS, (choices) => attacker.attack(choices)).finally(() => attacker.close()),
      ),
    );
  });

  test('answers no request that is hidden in another', () => smuggling(siege));

  test('survives what is no HTTP', async () => {
    await malformed(siege);
    await repeated(30, (choices) => spoiltRequest(siege, choices));
  });

  test('takes no body of 100 MB', () => hugeBodies(siege, 100));

  test('refuses wrong keys by the hundred', () => wrongKeys(siege, 150));

  test('ends streams whose frames are wrong, and no others', async () => {
    await wrongFrames(siege);
    await floods(siege, 5_000);
    await repeated(30, (choices) => spoiltFrames(siege, choices));
  });

  test('hears nothing from strangers but their keys', () => strangersFrames(siege));

  test('serves others beside connections that say nothing', async () => {
    const slow = await slowSockets(siege, SLOW);
    const before = customers.bought();
    await expect.poll(() => customers.bought(), { timeout: 20_000 }).toBeGreaterThan(before + 10);
    for (const socket of slow) socket.cut();
    expect(await metric(world.process.baseUrl, 'qrswitch_workers_ended_total')).toBe(0);
  });

  test('is afterwards as it was before', async () => {
    await customers.end();
    await siege.aftermath({ rssMaxMb: 900 });
  });
});
