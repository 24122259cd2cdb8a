// How a holder keeps its endpoints: one or several at once, given new secrets all the time, sometimes one more for a while;
// and what an endpoint has refused is sent again.

import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../simulation/random.ts';
import { type EndpointPlan, PLAIN } from './endpoints.ts';
import type { Hook } from './hook-receiver.ts';
import type { Holder, Hooks } from './hooks.ts';

const LOOK_MS = [100, 500] as const;
const ROTATED = 0.01;
const RESENT = 0.15;
/** Of one that has several: another comes, and goes again. */
const ONE_MORE = 0.02;
const ONE_LESS = 0.1;

export interface Patience {
  /** It goes on by another way. */
  readonly isOver: () => boolean;
  /** Whether calls to the operators' API are still made. */
  readonly isPatient: () => boolean;
  readonly random: Random;
}

/** Has its events posted to all of its endpoints until it is over; then takes them away. */
export async function beCalled(
  hooks: Hooks,
  holder: Holder,
  plans: readonly EndpointPlan[],
  { isOver, isPatient, random }: Patience,
): Promise<void> {
  const opened = await Promise.all(plans.map((plan) => hooks.open(holder, plan, isPatient)));
  const kept = opened.flatMap((hook) => hook ?? []);
  // One of several has two secrets from the beginning.
  for (const hook of kept.slice(1)) await hooks.rotate(hook, isPatient);
  const others: Hook[] = [];
  while (!isOver()) {
    await pause(random.between(...LOOK_MS));
    for (const hook of kept) await lookAfter(hooks, hook, isPatient, random);
    if (plans.length > 1) await comeAndGo(others);
  }
  for (const hook of [...kept, ...others]) await hooks.close(hook, isPatient);

  async function comeAndGo([extra]: readonly Hook[]): Promise<void> {
    if (extra !== undefined && random.chance(ONE_LESS)) {
      others.pop();
      await hooks.close(extra, isPatient);
    } else if (extra === undefined && !hooks.receiver.isCalm && random.chance(ONE_MORE)) {
      others.push(...[await hooks.open(holder, PLAIN, isPatient)].flatMap((hook) => hook ?? []));
    }
  }
}

async function lookAfter(
  hooks: Hooks,
  hook: Hook,
  isPatient: () => boolean,
  random: Random,
): Promise<void> {
  const { isCalm } = hooks.receiver;
  if (!isCalm && random.chance(ROTATED)) await hooks.rotate(hook, isPatient);
  if (hook.story.plan.driver !== 'choosy' || isAllTaken(hook)) return;
  if (isCalm || random.chance(RESENT)) await hooks.resend(hook, isPatient);
}

function isAllTaken({ story: { postings } }: Hook): boolean {
  const taken = new Set<string>();
  for (const { eventId, outcome } of postings) if (outcome === 'taken') taken.add(eventId);
  return postings.every(({ eventId }) => taken.has(eventId));
}
