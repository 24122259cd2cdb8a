// Lies about what was posted to holders without a socket.

import { heardElsewhere, owedTo } from './audit-hooks.ts';
import type { EndpointStory, Posting } from './endpoints.ts';
import { type Copy, first, type Tampering } from './tampering.ts';

export const tamperingsOfWebhooks: readonly Tampering[] = [
  {
    what: 'a holder without a socket was never posted an event',
    with: ({ memory }) => {
      const { eventId } = first(memory.heard.filter(({ way }) => way === 'webhook'));
      memory.heard = memory.heard.filter((heard) => heard.eventId !== eventId);
    },
    found: 'undelivered',
  },
  {
    what: 'an event was posted to another',
    with: ({ memory }) => {
      const posted = first(memory.heard.filter(({ way }) => way === 'webhook'));
      memory.heard.push({ ...posted, client: 'terminal:another' });
    },
    found: 'uninvited',
  },
  {
    what: 'something was posted that nobody had signed',
    with: ({ memory }) => memory.forged.push('an endpoint was sent something by nobody'),
    found: 'uninvited',
  },
  {
    what: 'an event has other words when it is asked for again',
    with: ({ memory }) => {
      memory.rereads.push({ ...first(memory.rereads), digest: 'other words' });
    },
    found: 'contradictions',
  },
  {
    what: 'an event was posted in other words than its stream has',
    with: ({ memory }) => {
      const posted = first(memory.heard.filter(({ way }) => way === 'webhook'));
      memory.heard.push({ ...posted, way: 'socket', digest: 'other words' });
    },
    found: 'contradictions',
  },
  {
    what: 'one of two endpoints of a holder was never brought an event',
    with: (copy) => {
      const { story, eventId } = owed(copy, ({ holder, id }) =>
        copy.memory.endpoints.some((each) => each.holder === holder && each.id !== id),
      );
      remove(story, (posting) => posting.eventId === eventId);
    },
    found: 'undelivered',
  },
  {
    what: 'a merchant was never brought an event of its terminals',
    with: (copy) => {
      const { story, eventId } = owed(copy, ({ holder }) => holder.startsWith('merchant:'));
      remove(story, (posting) => posting.eventId === eventId);
    },
    found: 'undelivered',
  },
  {
    what: 'an endpoint was brought an event before an earlier one of its bill',
    with: ({ memory, rows }) => {
      const stories = memory.endpoints.filter(({ plan }) => plan.driver === 'webhook');
      const [story, early, later] = first(
        stories.flatMap((each) => {
          const wanted = new Set(owedIn({ memory, rows }, each));
          const taken = each.postings.filter(({ outcome }) => outcome === 'taken');
          const its = taken.filter(({ eventId }) => wanted.has(eventId));
          return its.flatMap((one) =>
            its.flatMap((two) =>
              one.billId === two.billId && one.no < two.no ? [[each, one, two] as const] : [],
            ),
          );
        }),
      );
      remove(story, ({ eventId }) => eventId === early.eventId);
      story.postings.push({ ...early, at: later.at + 1 });
    },
    found: 'undelivered',
  },
  {
    what: 'an endpoint was sent an event of a type that it does not want',
    with: ({ memory }) => {
      const picky = memory.endpoints.filter(({ plan }) => plan.eventTypes !== null);
      const { story, posting } = first(
        picky.flatMap((story) =>
          // What came to any endpoint of its holder: of what it wants itself there may be nothing yet.
          memory.endpoints
            .filter(({ holder }) => holder === story.holder)
            .flatMap(({ postings }) => postings.map((posting) => ({ story, posting }))),
        ),
      );
      story.postings.push({ ...posting, type: 'bill.cancelled' });
    },
    found: 'uninvited',
  },
  {
    what: 'an endpoint was sent an event of another holder',
    with: ({ memory }) => {
      const [one, other] = memory.endpoints.filter(({ postings }) => postings.length > 0);
      const stranger = memory.endpoints.find(
        ({ holder, postings }) => holder !== one?.holder && postings.length > 0,
      );
      one?.postings.push(first(stranger?.postings ?? other?.postings ?? []));
    },
    found: 'uninvited',
  },
  {
    what: 'an event was signed by nothing but what had ended',
    with: ({ memory }) => {
      const { story, posting } = came(memory);
      for (const secret of story.secrets) secret.until = posting.sentAt - 30_000;
    },
    found: 'uninvited',
  },
  {
    what: 'an event was not signed by one of the secrets that were live',
    with: ({ memory }) => {
      const { story, posting } = came(memory);
      const since = posting.sentAt - 30_000;
      story.secrets.push({ id: 'another', text: 'another', since, until: null });
    },
    found: 'uninvited',
  },
  {
    what: 'a secret signs minutes after it has ended',
    with: ({ memory }) => {
      const { story, posting } = came(memory);
      const until = posting.sentAt - 200_000;
      story.secrets.push({ id: 'another', text: 'another', since: 0, until });
      posting.signedBy.push(story.secrets.length - 1);
    },
    found: 'uninvited',
  },
  {
    what: 'an endpoint is still owed a letter',
    with: ({ memory, rows }) => {
      const { story, posting } = came(memory);
      const { billId: bill_id, no } = posting;
      rows.letters.push({ endpoint_id: story.id, bill_id, no, state: 'dead' });
    },
    found: 'undelivered',
  },
  {
    what: 'a dead letter was sent again by itself',
    with: ({ memory }) => {
      const { story, posting } = came(memory, 'refused');
      const { eventId } = posting;
      story.resent.splice(0);
      story.dead.splice(0);
      story.dead.push({ eventId, at: posting.at - 30_000 });
    },
    found: 'uninvited',
  },
  {
    what: 'an event is a dead letter that nobody has refused',
    with: ({ memory }) => {
      const { story, posting } = came(memory);
      story.dead.push({ eventId: posting.eventId, at: posting.at });
      story.postings.splice(0, Number.POSITIVE_INFINITY, posting);
    },
    found: 'uninvited',
  },
];

/** Of an endpoint that is there to the end, an event that it must have been brought. */
function owed(
  { memory, rows }: Copy,
  isMeant: (story: EndpointStory) => boolean,
): { story: EndpointStory; eventId: string } {
  const stories = memory.endpoints.filter((each) => each.closedAt === null && isMeant(each));
  return first(
    stories.flatMap((story) => {
      const later = owedIn({ memory, rows }, story).filter(
        (id) => id !== story.postings[0]?.eventId,
      );
      return later.map((eventId) => ({ story, eventId }));
    }),
  );
}

function owedIn({ memory, rows }: Copy, story: EndpointStory): string[] {
  const events = rows.events.map((row) => [`${row.bill_id}-e${row.no}`, row] as const);
  const its = events.filter(([, { recipient }]) => story.recipients.includes(recipient));
  return owedTo(story, its, heardElsewhere(memory.heard));
}

interface Came {
  readonly story: EndpointStory;
  readonly posting: Posting;
}

function came(memory: Copy['memory'], outcome: Posting['outcome'] = 'taken'): Came {
  return first(
    memory.endpoints.flatMap((story) =>
      story.postings
        .filter((posting) => posting.outcome === outcome)
        .map((posting) => ({ story, posting })),
    ),
  );
}

function remove({ postings }: EndpointStory, isMeant: (posting: Posting) => boolean): void {
  const left = postings.filter((posting) => !isMeant(posting));
  postings.splice(0, postings.length, ...left);
}
