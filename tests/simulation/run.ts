// One seed, one life of the world: a storm, fair weather, and the last judgement.

import { isPresent } from '../../src/domain/bill/state.ts';
import type { Recipient } from '../../src/domain/bill/vocabulary.ts';
import type { Operation } from '../../src/switch/requests.ts';
import { auditBank } from './bank-audit.ts';
import { isBankAtRest, settleAtBank, visitBank } from './bank-clients.ts';
import { mendAtBank } from './bank-operator.ts';
import { heal, rage } from './chaos.ts';
import {
  type Client,
  crowd,
  flood,
  makeOperator,
  makeTill,
  makeWallet,
  tillOperation,
  walletOperation,
} from './clients.ts';
import type { FaultKind } from './dice.ts';
import {
  areLettersTaken,
  changeWays,
  checkDelivered,
  openWebhooks,
  resendDead,
} from './hook-clients.ts';
import { EPOCH_MS } from './life.ts';
import { type Running, settled } from './node.ts';
import { operatorOperation } from './operator-clients.ts';
import type { RunOptions } from './settings.ts';
import { pendingIn } from './sim-history.ts';
import { World } from './world.ts';

export interface RunResult {
  readonly seed: number;
  readonly violation: string | null;
  readonly counts: ReadonlyMap<string, number>;
  readonly about: readonly FaultKind[];
  readonly simulatedMs: number;
}

/** Simulated stores fail all the time, and what each error remembers of its calls is a sixteenth of a seed's time. */
const CALLS_TOLD = 20;

/** How long fair weather may take to bring everything right, in simulated ms. */
const HEALING_MS = 120_000;
/** What an endpoint is owed is looked for once a minute. */
const HEALING_WITH_WEBHOOKS_MS = 300_000;
/** A bank's driver waits for a minute before it sends again what may still arrive. */
const HEALING_WITH_BANK_MS = 1_500_000;
/** A receiver that has failed for a storm is tried again half a minute later. */
const HOOK_ROUNDS_MAX = 300;
/** How long a world whose Postgres has lost commits is watched on. */
const LOSS_MS = 20_000;

export async function run(options: RunOptions): Promise<RunResult> {
  const world = new World(options);
  const clients: Client[] = [];
  for (let i = 1; i <= world.settings.terminals; i++) clients.push(makeTill(world, i));
  for (let i = 1; i <= world.settings.wallets; i++) clients.push(makeWallet(world, i));
  if (world.settings.hasOperator) clients.push(makeOperator(world));
  world.hooks = openWebhooks(world, clients);
  const before = { ...settled };
  const { stackTraceLimit } = Error;
  // Whoever wants to see what has broken has its story told.
  Error.stackTraceLimit = options.trace === undefined ? 0 : CALLS_TOLD;
  const release = catchStrays((error) => world.broke(`a stray error: ${stackOf(error)}`));
  try {
    await live(world, clients);
    if (world.violation === null) explain(world);
  } catch (error) {
    world.broke(`the world broke: ${stackOf(error)}`);
  } finally {
    release();
    Error.stackTraceLimit = stackTraceLimit;
  }
  world.counts.set('unknown append committed', settled.committed - before.committed);
  world.counts.set('unknown append lost', settled.lost - before.lost);
  return {
    seed: options.seed,
    violation: world.violation,
    counts: world.counts,
    about: [...world.dice.about, ...world.bankDice.about, ...world.hookDice.about],
    simulatedMs: world.agenda.now,
  };
}

/** What the clients of each bill were told must have come about one call after another. */
function explain(world: World): void {
  const wrong = world.hearsay.check(world.hasSkew, (what) => world.count(what));
  if (wrong !== null) world.broke(wrong);
}

/** A Defect in a promise that nobody awaits ends a worker; here it ends the run. */
function catchStrays(caught: (error: unknown) => void): () => void {
  const others = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', caught);
  return () => {
    process.removeAllListeners('unhandledRejection');
    for (const other of others) process.on('unhandledRejection', other);
  };
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

async function live(world: World, clients: readonly Client[]): Promise<void> {
  const { agenda } = world;
  for (const node of world.nodes) node.start();
  world.stormUntil = world.settings.stormMs;
  const over = { is: false };
  const part = (doing: Promise<void>): void => {
    doing.catch((error: unknown) => world.broke(`a part broke: ${stackOf(error)}`));
  };
  part(rage(world));
  for (const client of clients) part(work(world, client));
  part(watch(world, clients, over));
  const [till] = clients;
  if (world.bank !== null) {
    part(visitBank(world, world.bank));
    part(mendAtBank(world, world.bank));
  }
  if (world.hooks !== null) {
    part(changeWays(world, world.hooks));
    part(resendDead(world, world.hooks, over));
  }
  if (world.settings.hasPoller && till !== undefined) part(poll(world, till));
  part(
    (async () => {
      while (agenda.now < world.stormUntil) await agenda.sleep(world.stormUntil - agenda.now);
      heal(world);
      await recover(world, clients);
      over.is = true;
    })(),
  );
  const isOver = (): boolean => over.is || world.violation !== null;
  while (!isOver()) {
    await agenda.runUntil(agenda.now + 10_000, isOver);
    if (world.isHealed && agenda.now > world.stormUntil + healingOf(world)) {
      world.broke('fair weather does not bring everything right');
    }
  }
}

function healingOf({ bank, hooks }: World): number {
  if (bank !== null) return HEALING_WITH_BANK_MS;
  return hooks === null ? HEALING_MS : HEALING_WITH_WEBHOOKS_MS;
}

async function work(world: World, client: Client): Promise<void> {
  const { random, agenda } = world;
  const isWallet = client.principal.kind === 'paychannel';
  await agenda.sleep(random.below(1_500));
  while (!world.isHealed) {
    await agenda.sleep(random.pick([0, 5, 20, 100, 100, 700]));
    await world.awake();
    if (random.chance(0.25)) await client.takeEvents(0.6);
    if (!world.begin()) {
      await agenda.sleep(500);
      continue;
    }
    if (isWallet && world.settings.hasFlood && random.chance(0.1)) await flood(client);
    if (isWallet && world.settings.hasStatic && random.chance(0.05)) await crowd(client);
    const operation = nextOf(client);
    if (operation !== undefined) await client.settle(operation);
  }
}

function nextOf(client: Client): Operation | undefined {
  switch (client.principal.kind) {
    case 'paychannel':
      return walletOperation(client);
    case 'operator':
      return operatorOperation(client);
    default:
      return tillOperation(client);
  }
}

/** Asks again and again for the latest bills, of whichever process answers. */
async function poll(world: World, till: Client): Promise<void> {
  while (!world.isHealed) {
    await world.agenda.sleep(world.random.between(10, 60));
    await world.awake();
    const bill = till.someBill();
    if (bill === undefined) continue;
    const operation = { op: 'bill.get', billId: bill.id, afterVersion: null, waitMs: 0 } as const;
    await world.ask(till.principal, operation, 300);
  }
}

/** Looks at streams and lists from outside, all the time. */
async function watch(
  world: World,
  clients: readonly Client[],
  over: { readonly is: boolean },
): Promise<void> {
  while (!over.is) {
    await world.agenda.sleep(world.random.between(100, 900));
    await world.awake();
    // Streams and lists are read of history as it stands: what it has lost is missed until its writer finds out.
    if (world.history.hasLost) continue;
    for (const client of clients) await watchStream(world, client.recipient);
    const reader = world.random.pick(world.nodes).running;
    if (reader === null || reader.life.isPaused) continue;
    const answer = await Promise.race([
      reader.host.ask({ query: 'reached' }).catch(() => null),
      world.agenda.sleep(1_000).then(() => null),
    ]);
    if (answer?.answer === 'reached' && !reader.life.isOver && !world.hasSkew) {
      world.auditor.reached(answer.at, world.history, world.settings.shards);
    }
  }
}

async function watchStream(world: World, recipient: Recipient): Promise<void> {
  for (const shard of world.sound) {
    const { holder } = world.auditor.ledger.chain(shard);
    const running = world.nodes.find((node) => node.running?.life.name === holder)?.running;
    if (running == null || running.life.isPaused) continue;
    const status = running.host.status().find((each) => each.shard === shard);
    if (status?.state !== 'serving') continue;
    const answer = await running.host.ask({ query: 'events', recipient });
    if (answer.answer !== 'events') continue;
    const ids = new Set(pendingIn(world.history, recipient, EPOCH_MS + world.agenda.now));
    for (const { bill, event } of answer.pending) ids.add(`${bill.id}-e${event.no}`);
    for (const id of answer.ended) ids.delete(id);
    const now = EPOCH_MS + world.agenda.now;
    world.auditor.checkStream(shard, recipient, { owner: holder, ids, now });
  }
}

// ------------------------------------------------------------------------------------------------ fair weather --

async function recover(world: World, clients: readonly Client[]): Promise<void> {
  const [till] = clients;
  // Whoever knows more than Postgres refuses what it would have to ask: nothing comes right without an operator.
  if (world.history.hasLost) return await world.agenda.sleep(LOSS_MS);
  await until(world, 'no node serves all shards', () => isServed(world));
  await Promise.all(clients.map((client) => client.settleAll()));
  if (world.bank !== null && till !== undefined) await settleAtBank(world, world.bank, till);
  await takeAll(world, clients);
  await until(world, 'a letter is not taken', () => areLettersTaken(world), 2);
  await until(world, 'an arm does not come to its end', () => isDrivenOn(world));
  // Both at once: a timer may bring a bill back at any time.
  const isDone = (): boolean => isWritten(world) && isQuiet(world) && isBankAtRest(world);
  await until(world, 'history does not catch up, or memory does not empty', isDone);
  checkBank(world);
  if (world.stopped.size === 0) {
    world.auditor.checkHistory(world.history, world.settings.shards);
  }
  checkEvents(world, clients);
  checkDelivered(world);
  await checkMemory(world, clients);
}

/** Until no event is pending. */
async function takeAll(world: World, clients: readonly Client[]): Promise<void> {
  const roundsMax = world.hooks === null ? 40 : HOOK_ROUNDS_MAX;
  for (let round = 0; ; round++) {
    let pending = 0;
    for (const client of clients) pending += (await client.takeEvents(1)) ?? 1;
    // What is lost only now is as above.
    if (pending === 0 || world.violation !== null || world.history.hasLost) break;
    if (round > roundsMax) world.broke(`events stay pending in fair weather: ${pendingOf(world)}`);
    await world.agenda.sleep(200);
  }
}

function pendingOf({ auditor, settings }: World): string {
  const pending = [...auditor.ledger.events.values()].filter(({ ended }) => ended === null);
  return `${settings.nodes} ${pending.map(({ id, recipient }) => `${id} of ${recipient}`).join()}`;
}

async function until(
  world: World,
  otherwise: string,
  isSo: () => boolean,
  times = 1,
): Promise<void> {
  for (let i = 0; i < 250 * times; i++) {
    if (isSo() || world.violation !== null) return;
    await world.agenda.sleep(200);
  }
  const states = world.nodes.map(({ name, running }) => [name, running?.host.status()]);
  world.broke(`${otherwise} in fair weather: ${JSON.stringify(states)}`);
}

/** One node has all shards, or none would ever be ready; where one has stopped, that is for an operator. */
function isServed(world: World): boolean {
  const served = world.nodes.map(
    ({ running }) =>
      new Set(
        running?.host.status().flatMap((each) => (each.state === 'serving' ? each.shard : [])),
      ),
  );
  return world.stopped.size === 0
    ? served.some((shards) => world.sound.every((shard) => shards.has(shard)))
    : world.sound.every((shard) => served.some((shards) => shards.has(shard)));
}

function isQuiet(world: World): boolean {
  return world.nodes.every(({ running }) =>
    (running?.host.status() ?? []).every(
      ({ shard, residents, underWay, unwritten }) =>
        world.stopped.has(shard) || residents + underWay + unwritten === 0,
    ),
  );
}

function isWritten(world: World): boolean {
  return world.sound.every(
    (shard) => world.history.watermark(shard).entry === world.auditor.ledger.chain(shard).top,
  );
}

/** The bank's books are those of the switch. */
function checkBank(world: World): void {
  const { bank, auditor } = world;
  const [wrong] = bank === null ? [] : auditBank(bank, auditor.ledger);
  if (wrong !== undefined) world.broke(wrong);
}

/** No event ended before it was given to its recipient, unless its repeat took its place. */
function checkEvents(world: World, clients: readonly Client[]): void {
  for (const { id, billId, no, recipient, ended } of world.auditor.ledger.events.values()) {
    const client = clients.find((each) => each.recipient === recipient);
    if (client === undefined || client.hasSeen(id) || ended === null) continue;
    const isReplaced = world.history.events.get(`${billId} ${no}`)?.acknowledgedAt === null;
    if (!isReplaced) world.broke(`event ${id} was never given to ${recipient}`);
  }
}

/** No arm that the switch drives on in fair weather stays under way. */
function isDrivenOn(world: World): boolean {
  // Where clocks have jumped, the times of the shards are not the world's.
  if (world.hasSkew) return true;
  const now = EPOCH_MS + world.agenda.now;
  for (const { bill } of world.auditor.ledger.pages.values()) {
    if (!isPresent(bill) || bill.sticker?.arming == null) continue;
    const { repeatAt, arming } = bill.sticker;
    // Each repeat waits for as long as the arm has lasted by then.
    const drivenAt = (repeatAt + arming.armedAt) / 2;
    if (repeatAt <= now || drivenAt > EPOCH_MS + world.stormUntil) return false;
  }
  return true;
}

/** Nothing is kept for what has passed. */
async function checkMemory(world: World, clients: readonly Client[]): Promise<void> {
  for (const { name, running } of world.nodes) {
    if (running === null) continue;
    const unanswered = world.auditor.unanswered(running.life.name);
    if (unanswered.length > 0) world.broke(`${name} never answered ${unanswered.join()}`);
    for (const { recipient } of clients) {
      const kept = await eventsKept(running, recipient);
      if (kept.length > 0) world.broke(`${name} still keeps events ${kept.join()} of ${recipient}`);
    }
    for (const [shard, { orders, commit }] of running.shards) {
      const kept = `${orders.count} orders, ${commit.depth} transitions`;
      if (kept !== '0 orders, 0 transitions')
        world.broke(`${name} keeps ${kept} of shard ${shard}`);
    }
  }
}

async function eventsKept({ host }: Running, recipient: Recipient): Promise<string[]> {
  const answer = await host.ask({ query: 'events', recipient });
  if (answer.answer !== 'events') return [];
  return [...answer.pending.map(({ bill }) => bill.id), ...answer.ended];
}
