// What the holders of webhooks do: they go on to another way and back, and at the end nothing of anybody's is missing.

import type { Client } from './clients.ts';
import { SimWebhooks } from './sim-webhooks.ts';
import type { World } from './world.ts';

/** All tills and wallets have them, where anybody has. */
export function openWebhooks(world: World, clients: readonly Client[]): SimWebhooks | null {
  if (!world.settings.hasWebhook) return null;
  return new SimWebhooks(
    world,
    clients.map(({ principal }) => principal),
  );
}

/** Who has one endpoint is posted its events, reads its stream, or does both, now this, now that. */
export async function changeWays(world: World, hooks: SimWebhooks): Promise<void> {
  const { agenda, hooking } = world;
  const holders = hooks.holders.filter(({ endpoints }) => endpoints.length === 1);
  if (holders.length === 0 || hooking.chance(0.3)) return;
  while (!world.isHealed) {
    await agenda.sleep(hooking.between(200, 3_000));
    await world.awake();
    if (world.isHealed) return;
    const way = hooking.pick(['posted', 'posted', 'read', 'both'] as const);
    const holder = hooking.pick(holders);
    if (way === holder.way) continue;
    world.count(`hook way from ${holder.way} to ${way}`);
    hooks.change(holder, way);
  }
}

/** Operators have sent again what was refused, until nothing is dead. */
export async function resendDead(
  world: World,
  hooks: SimWebhooks,
  over: { readonly is: boolean },
): Promise<void> {
  const { agenda, hooking } = world;
  const endpoints = hooks.holders.flatMap((holder) => holder.endpoints.slice(1));
  while (endpoints.length > 0 && !over.is) {
    await agenda.sleep(hooking.between(300, 3_000));
    hooks.resend(hooking.pick(endpoints));
  }
}

/** Whoever is posted its events and does nothing else has been posted all of them, by each of its endpoints. */
export function checkDelivered(world: World): void {
  const { hooks, auditor, history } = world;
  for (const { principal, endpoints } of hooks?.holders ?? []) {
    if (endpoints.length < 2) continue;
    const recipient = `${principal.kind}:${principal.id}`;
    for (const { id, billId, no, recipient: of } of auditor.ledger.events.values()) {
      const row = history.events.get(`${billId} ${no}`);
      const isReplaced = row?.pending === false && row.acknowledgedAt === null;
      if (of !== recipient || isReplaced) continue;
      const missed = endpoints.find((endpoint) => !hooks?.receivers.hasTaken(endpoint, id));
      if (missed !== undefined) world.broke(`event ${id} was never posted to ${missed}`);
    }
  }
}

/** Whether no endpoint is owed anything by a letter. */
export function areLettersTaken({ hooks }: World): boolean {
  if (hooks === null) return true;
  return [...hooks.book.letters.values()].every(({ size }) => size === 0);
}
