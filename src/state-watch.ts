// How the switch is, as its workers tell it: whether every shard is served, and what is waited for.

import type { Config } from './config.ts';
import { describeHolder } from './lease-holder.ts';
import type { WorkerPool } from './pool.ts';
import { systemClock } from './system-clock.ts';
import type { SwitchState, WorkerTold } from './threads.ts';

/** How often the workers are asked how they are; readiness is as old as this. */
const STATE_MS = 250;
/** Before all is served for the first time: somebody waits for it. */
const STARTING_MS = 50;

export interface StateListener {
  /** Which shards this node owns, each time that all workers have told. */
  owned(shards: readonly number[]): void;
  changed(state: SwitchState, isFirstReady: boolean): void;
}

/** Asks the workers how they are, until the function returned is called. */
export function watchState(
  config: Config,
  pool: Pick<WorkerPool, 'tell' | 'standAside'>,
  tell: StateListener,
): () => void {
  let last = '';
  let wasReady = false;
  let isOver = false;
  const look = async (): Promise<void> => {
    const told = [...(await pool.tell(false)).values()];
    if (told.length === config.workers) tell.owned(shardsOwned(told));
    // A node stands aside as one, with workers that have begun anew.
    if (told.some(({ standsAside }) => standsAside)) pool.standAside();
    const state = stateOf(config, told);
    const text = JSON.stringify(state);
    if (text !== last && !isOver) {
      last = text;
      tell.changed(state, state.ready && !wasReady);
      wasReady ||= state.ready;
    }
    if (!isOver) systemClock.after(wasReady ? STATE_MS : STARTING_MS, () => void look());
  };
  void look();
  return () => {
    isOver = true;
  };
}

/** Also those that recover for a moment: they are likely to be served again by this node. */
function shardsOwned(told: readonly WorkerTold[]): number[] {
  const owned = told.flatMap(({ shards }) =>
    shards.flatMap(({ shard, state }) => (OWNED.has(state) ? [shard] : [])),
  );
  return owned.sort((left, right) => left - right);
}

const OWNED = new Set<string>(['serving', 'recovering']);

function stateOf(config: Config, told: readonly WorkerTold[]): SwitchState {
  const shards: Record<string, number> = {};
  const waitsFor = new Set<string>();
  for (const { shards: statuses, waitingFor } of told) {
    for (const { state, reason, shard } of statuses) {
      shards[state] = (shards[state] ?? 0) + 1;
      if (reason !== '') waitsFor.add(`shard ${shard} is ${state}: see the log`);
    }
    for (const { holder } of waitingFor) {
      if (holder !== null) waitsFor.add(`shards held by ${describeHolder(holder)}`);
    }
  }
  if (told.length < config.workers) waitsFor.add('the workers');
  const ready = shards.serving === config.shards;
  return { ready, node: config.nodeName, shards, waitsFor: [...waitsFor] };
}
