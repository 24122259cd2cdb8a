// Whether each endpoint was brought what its holder is owed, as docs/webhooks.md says: every event that it wants from when it
// began to be sent any, in order within a bill, under the secrets of that time, and what it has refused for good only
// where somebody had it sent again.

import type { EndpointStory, Posting } from './endpoints.ts';
import type { Evidence, Findings } from './evidence.ts';
import type { Heard } from './memory.ts';
import type { EventLine } from './rows.ts';

/** Between the clocks of a shard and of a receiver. */
export const SKEW_MS = 1_000;
/** So long after a rotation a switch that was paused meanwhile may not have heard of it. */
const HEARD_MS = 20_000;
/** A sender looks every minute which secrets have ended. */
const FORGOTTEN_MS = 120_000;
/** A switch that was paused may send once more what it had, though its successor has given it up since. */
const GIVEN_UP_MS = 20_000;

export function endpointsServed(evidence: Evidence, findings: Findings): void {
  const byRecipient = new Map<string, [string, EventLine][]>();
  for (const [id, event] of evidence.events) {
    const { recipient } = event;
    byRecipient.set(recipient, [...(byRecipient.get(recipient) ?? []), [id, event]]);
  }
  const elsewhere = heardElsewhere(evidence.heard);
  const letters = new Set(evidence.rows.letters.map((row) => row.endpoint_id));
  for (const story of evidence.endpoints) {
    findings.undelivered.push(...unordered(story, evidence, elsewhere));
    findings.uninvited.push(...unwanted(story, evidence), ...unsigned(story), ...unasked(story));
    if (story.closedAt !== null) continue;
    const events = story.recipients.flatMap((recipient) => byRecipient.get(recipient) ?? []);
    findings.undelivered.push(...missed(story, owedTo(story, events, elsewhere)));
    if (letters.has(story.id)) findings.undelivered.push(`${nameOf(story)} is still owed a letter`);
  }
}

/** Events that were not posted only: what is acknowledged by one way is acknowledged for all. */
export function heardElsewhere(heard: readonly Heard[]): ReadonlySet<string> {
  return new Set(heard.flatMap(({ way, eventId }) => (way === 'webhook' ? [] : eventId)));
}

/** Of those that were its recipients' since it was first sent anything. */
export function owedTo(
  { postings, plan: { eventTypes } }: EndpointStory,
  events: readonly (readonly [string, EventLine])[],
  elsewhere: ReadonlySet<string>,
): string[] {
  const [first] = postings;
  if (first === undefined) return [];
  return events
    .filter(([id]) => !elsewhere.has(id))
    .filter(([, event]) => event.occurredAt > first.at + SKEW_MS && !event.isReplaced)
    .filter(([, { type }]) => eventTypes === null || eventTypes.includes(type))
    .map(([id]) => id);
}

function missed(story: EndpointStory, owed: readonly string[]): string[] {
  const taken = new Set(takings(story).map(({ eventId }) => eventId));
  return owed
    .filter((id) => !taken.has(id))
    .map((id) => `${nameOf(story)} was never brought ${id}`);
}

/**
 * What it has refused comes later, when it is sent again. What another way, or another endpoint before it was there, has
 * acknowledged need not come at all, and may come late where history does not know of that yet.
 */
function unordered(
  story: EndpointStory,
  { events }: Evidence,
  elsewhere: ReadonlySet<string>,
): string[] {
  const found: string[] = [];
  const beganAt = story.postings[0]?.at ?? 0;
  const isOld = (id: string): boolean => (events.get(id)?.occurredAt ?? 0) <= beganAt;
  const refused = new Set(
    story.postings.flatMap(({ eventId, outcome }) => (outcome === 'refused' ? [eventId] : [])),
  );
  const taken = new Set<string>();
  const last = new Map<string, number>();
  for (const { eventId, billId, no } of takings(story)) {
    if (taken.has(eventId)) continue;
    taken.add(eventId);
    if (refused.has(eventId) || elsewhere.has(eventId) || isOld(eventId)) continue;
    const before = last.get(billId) ?? 0;
    if (no < before) found.push(`${nameOf(story)} was brought ${eventId} after event ${before}`);
    last.set(billId, Math.max(no, before));
  }
  return found;
}

function unwanted(story: EndpointStory, { events }: Evidence): string[] {
  const { eventTypes } = story.plan;
  const recipients = new Set(story.recipients);
  return story.postings.flatMap(({ eventId, type }) => {
    const recipient = events.get(eventId)?.recipient;
    if (recipient === undefined || !recipients.has(recipient)) {
      return [`${nameOf(story)} was sent ${eventId}, which is for ${recipient}`];
    }
    const isWanted = eventTypes === null || eventTypes.includes(type);
    return isWanted ? [] : [`${nameOf(story)} was sent ${eventId}, a ${type}`];
  });
}

/** Each request carries a signature by each secret that is live, whichever of them its receiver has by then. */
function unsigned(story: EndpointStory): string[] {
  return story.postings.flatMap((posting) => {
    const wrong = wrongSignature(story, posting);
    return wrong === null ? [] : [`${nameOf(story)} was sent ${posting.eventId} ${wrong}`];
  });
}

function wrongSignature({ secrets }: EndpointStory, { sentAt, signedBy }: Posting): string | null {
  const isLiveUntil = (ms: number) => (place: number) =>
    sentAt < (secrets[place]?.until ?? Number.POSITIVE_INFINITY) + ms;
  if (!signedBy.some(isLiveUntil(HEARD_MS))) return 'under secrets that had ended';
  if (!signedBy.every(isLiveUntil(FORGOTTEN_MS))) return 'under one that had ended long before';
  const lacking = secrets.findIndex(
    ({ since }, place) =>
      sentAt > since + HEARD_MS && isLiveUntil(-2 * SKEW_MS)(place) && !signedBy.includes(place),
  );
  return lacking < 0 ? null : `without a signature by secret ${lacking + 1} of ${secrets.length}`;
}

/** A dead letter does not come again by itself. */
function unasked(story: EndpointStory): string[] {
  return story.dead.flatMap(({ eventId, at }) => {
    const resentAt = Math.min(
      ...story.resent.filter((each) => each.eventId === eventId).map((each) => each.at),
    );
    const isAgain = story.postings.some(
      (posting) =>
        posting.eventId === eventId && posting.at > at + GIVEN_UP_MS && posting.at < resentAt,
    );
    const isRefused = story.postings.some(
      (posting) => posting.eventId === eventId && posting.outcome === 'refused',
    );
    return [
      ...(isAgain ? [`${nameOf(story)} was sent ${eventId} again, a dead letter`] : []),
      ...(isRefused ? [] : [`${nameOf(story)} has a dead letter ${eventId} that it never refused`]),
    ];
  });
}

function takings({ postings }: EndpointStory): Posting[] {
  return postings.filter(({ outcome }) => outcome === 'taken');
}

function nameOf({ id, holder }: EndpointStory): string {
  return `${id} of ${holder}`;
}
