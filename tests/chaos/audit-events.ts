// Whether every event has reached its client: at least once, in order within a bill, and nobody else.

import type { Evidence, Findings } from './evidence.ts';

export function delivered({ events, heard, listeners }: Evidence, findings: Findings): void {
  const { undelivered, uninvited } = findings;
  /** The number of the last event that came for the first time, by client and bill. */
  const last = new Map<string, number>();
  const received = new Set<string>();
  for (const { client, eventId, billId, no } of heard) {
    const row = events.get(eventId);
    if (row === undefined)
      uninvited.push(`${client} heard ${eventId}, which Postgres does not have`);
    else if (row.recipient !== client) {
      uninvited.push(`${client} heard ${eventId}, which is for ${row.recipient}`);
    }
    const name = `${client} ${eventId}`;
    if (received.has(name)) continue;
    received.add(name);
    const of = `${client} ${billId}`;
    const before = last.get(of) ?? 0;
    if (no < before)
      undelivered.push(`${client} heard ${eventId} after event ${before} of the bill`);
    last.set(of, Math.max(no, before));
  }
  const who = new Set(listeners);
  for (const [id, { recipient, type, pending, isReplaced }] of events) {
    if (!who.has(recipient)) continue;
    if (!received.has(`${recipient} ${id}`) && !isReplaced) {
      undelivered.push(`${recipient} never heard ${id} (${type})`);
    }
    if (pending) undelivered.push(`${id} (${type}) is still pending for ${recipient}`);
  }
}
