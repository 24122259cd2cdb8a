// Whether every event has reached its client: at least once, in order within a bill, with the same words by whatever way and
// however often, and nobody else.

import type { EndpointStory } from './endpoints.ts';
import type { Evidence, Findings } from './evidence.ts';

export function delivered(evidence: Evidence, findings: Findings): void {
  const received = hearing(evidence, findings);
  findings.contradictions.push(...otherWords(evidence));
  const who = new Set(evidence.listeners);
  for (const [id, { recipient, type, pending, isReplaced }] of evidence.events) {
    if (!who.has(recipient) || isReplaced) continue;
    const what = `${id} (${type})`;
    if (!received.has(`${recipient} ${id}`)) {
      findings.undelivered.push(`${recipient} never heard ${what}`);
    }
    if (pending) findings.undelivered.push(`${what} is still pending for ${recipient}`);
  }
}

/**
 * What each client has received, by `client event`; what came for the first time came in order within its bill. What comes to
 * several endpoints of which one wants, or takes, only some of it is in order for each alone (audit-hooks.ts).
 */
function hearing(
  { events, heard, endpoints }: Evidence,
  { undelivered, uninvited }: Findings,
): Set<string> {
  const received = new Set<string>();
  const last = new Map<string, number>();
  const isSome = ({ plan }: EndpointStory): boolean =>
    plan.eventTypes !== null || plan.driver === 'choosy';
  const some = new Set(endpoints.filter(isSome).map(({ holder }) => holder));
  const houses = new Map(endpoints.map(({ holder, recipients }) => [holder, recipients]));
  for (const { client, eventId, billId, no } of heard) {
    const recipient = events.get(eventId)?.recipient ?? '';
    if (recipient !== client && houses.get(client)?.includes(recipient) !== true) {
      uninvited.push(`${client} heard ${eventId}, which is for ${recipient}`);
    }
    received.add(`${recipient} ${eventId}`);
    if (some.has(client)) continue;
    const name = `${client} ${eventId} first`;
    if (received.has(name)) continue;
    received.add(name);
    const before = last.get(`${client} ${billId}`) ?? 0;
    if (no < before)
      undelivered.push(`${client} heard ${eventId} after event ${before} of its bill`);
    last.set(`${client} ${billId}`, Math.max(no, before));
  }
  return received;
}

/** Events that were told once so and once otherwise. */
function otherWords({ heard, rereads }: Evidence): string[] {
  const known = new Map<string, { readonly digest: string; readonly way: string }>();
  const found: string[] = [];
  const compare = (name: string, digest: string, way: string): void => {
    const before = known.get(name);
    if (before === undefined) known.set(name, { digest, way });
    else if (before.digest !== digest) {
      found.push(`${name} was told one thing by ${before.way} and another by ${way}`);
    }
  };
  for (const { eventId, digest, way } of heard) compare(eventId, digest, way);
  for (const { eventId, digest } of rereads) compare(eventId, digest, 'a re-read');
  return found;
}
