// Whether every event has reached its client: at least once, in order within a bill, and nobody else.

import type { Evidence, Findings } from './evidence.ts';

export function delivered(evidence: Evidence, findings: Findings): void {
  const received = hearing(evidence, findings);
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

/** What each client has received, by `client event`; what came for the first time came in order within its bill. */
function hearing({ events, heard }: Evidence, { undelivered, uninvited }: Findings): Set<string> {
  const received = new Set<string>();
  const last = new Map<string, number>();
  for (const { client, eventId, billId, no } of heard) {
    const recipient = events.get(eventId)?.recipient;
    if (recipient !== client) {
      uninvited.push(`${client} heard ${eventId}, which is for ${recipient}`);
    }
    const name = `${client} ${eventId}`;
    if (received.has(name)) continue;
    received.add(name);
    const before = last.get(`${client} ${billId}`) ?? 0;
    if (no < before)
      undelivered.push(`${client} heard ${eventId} after event ${before} of its bill`);
    last.set(`${client} ${billId}`, Math.max(no, before));
  }
  return received;
}
