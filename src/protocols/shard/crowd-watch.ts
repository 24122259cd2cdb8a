// How late a gateway and its workers are: it asks them for nothing, and counts from when that was due until all have
// answered. So its own lateness is in it, the ports' both ways, and what the workers do first; a store's is not.

import { type Crowd, LOOK_MS } from '../../switch/crowd.ts';
import type { Clock } from '../../switch/ports.ts';
import type { ShardDoor } from '../../switch/requests.ts';

/** After an answer, so long until it is asked again. Nothing is asked while nobody can stand in another's way. */
const ASK_MS = 10;

/** Keeps the crowd told until the function returned is called. */
export function watchCrowd(crowd: Crowd, door: Pick<ShardDoor, 'ask'>, clock: Clock): () => void {
  /** When what is asked now was due; null: nothing is. */
  let askedAt: number | null = null;
  let lookedAt = clock.monotonic();
  let isOver = false;
  const answered = (): void => {
    if (askedAt !== null) crowd.heard(clock.monotonic() - askedAt);
    askedAt = null;
  };
  const look = (now: number): void => {
    // Not even that has been answered.
    if (askedAt !== null && now - askedAt >= LOOK_MS) crowd.heard(now - askedAt);
    crowd.look(now);
    lookedAt = now;
  };
  const turn = (due: number): void => {
    if (isOver) return;
    const now = clock.monotonic();
    if (crowd.isWatched && askedAt === null) {
      // A timer may fire a moment early: nothing is late by less than nothing.
      askedAt = Math.min(due, now);
      door.ask({ query: 'taken' }).then(answered, () => {
        // A worker is away: what is sent there is refused at once.
        askedAt = null;
      });
    }
    if (now - lookedAt >= LOOK_MS) look(now);
    const after = crowd.isWatched ? ASK_MS : LOOK_MS;
    clock.after(after, () => turn(now + after));
  };
  turn(lookedAt);
  return () => {
    isOver = true;
  };
}
