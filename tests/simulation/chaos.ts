// The storm: what befalls processes, stores and clocks as a whole.

import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../src/domain/time.ts';
import type { SimNode } from './node.ts';
import type { World } from './world.ts';

const LOOK_MS = 250;
const LONG_SLEEPS_MAX = 3;

/** Strikes until the world is healed. */
export async function rage(world: World): Promise<void> {
  let sleeps = 0;
  while (!world.isHealed) {
    for (const node of world.nodes) {
      strike(world, node);
      if (world.bankDice.strikes('desk.crash')) world.desks?.crash(node);
      if (world.hookDice.strikes('sender.crash')) world.hooks?.crash(node);
    }
    strikeReceivers(world);
    strikeStores(world);
    if (sleeps < LONG_SLEEPS_MAX && world.dice.strikes('process.longSleep')) {
      sleeps += 1;
      await longSleep(world);
    }
    await world.agenda.sleep(LOOK_MS);
  }
}

function strikeReceivers({ hooks, hookDice }: World): void {
  for (const { endpoints } of hooks?.holders ?? []) {
    for (const id of endpoints) if (hookDice.strikes('hook.away')) hooks?.receivers.leave(id);
  }
}

function strike(world: World, node: SimNode): void {
  const { dice, random, agenda } = world;
  const running = node.running;
  if (running === null || running.life.isPaused || node.isLeaving) return;
  if (dice.strikes('clock.forward')) {
    node.shiftWall(random.pick([3, 30, 90, 26 * 60]) * MINUTE_MS);
  }
  if (dice.strikes('clock.back')) node.shiftWall(-random.pick([1, 60, 3_600, 90_000]) * SECOND_MS);
  const soon = random.below(LOOK_MS);
  if (dice.strikes('process.crash')) {
    agenda.after(soon, () => {
      if (node.running !== running || world.isHealed) return;
      world.trace(`${node.name} crashes`);
      node.crash();
      agenda.after(random.pick([10, 300, 2_000, 6_000]), () => restart(world, node));
    });
  } else if (dice.strikes('process.pause')) {
    agenda.after(soon, () => {
      if (world.isHealed) return;
      world.trace(`${node.name} is paused`);
      if (node.running === running) node.pause();
      agenda.after(random.pick([50, 1_000, 5_000, 7_000, 9_000]), () => {
        world.trace(`${node.name} wakes up`);
        // Its threads wake with it.
        if (node.running === running) node.resume();
      });
    });
  } else if (dice.strikes('process.stop')) {
    world.trace(`${node.name} is told to stop`);
    node
      .stop()
      .then(() => agenda.after(random.pick([10, 2_000]), () => restart(world, node)))
      .catch((error: unknown) => world.broke(`${node.name} could not stop: ${String(error)}`));
  }
}

function restart(world: World, node: SimNode): void {
  if (node.running === null && world.agenda.now >= world.asleepUntil) node.start();
}

function strikeStores(world: World): void {
  const { dice, random, agenda } = world;
  if (dice.strikes('log.full')) world.log.fullUntil = agenda.now + random.between(100, 4_000);
  if (dice.strikes('history.away')) {
    world.history.awayUntil = agenda.now + random.between(200, 8_000);
  }
}

/** Everything is off for hours; timers fall due meanwhile. */
async function longSleep(world: World): Promise<void> {
  const forMs = world.random.between(HOUR_MS, world.settings.longSleepMs);
  world.trace(`everything sleeps for ${forMs} ms`);
  for (const node of world.nodes) node.crash();
  world.asleepUntil = world.agenda.now + forMs;
  world.stormUntil += forMs;
  await world.agenda.sleep(forMs);
  for (const node of world.nodes) restart(world, node);
}

/** Fair weather: everything runs, nothing fails. */
export function heal(world: World): void {
  world.dice.heal();
  world.bankDice.heal();
  world.hookDice.heal();
  world.hooks?.heal();
  world.log.fullUntil = 0;
  world.history.awayUntil = 0;
  for (const node of world.nodes) {
    node.resume();
    restart(world, node);
  }
}
