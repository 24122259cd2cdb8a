// What becomes of sockets and waiting calls when their keys do: told at once where the directory tells of it, and looked
// at now and then all the same.

import type { Clock } from '../../switch/ports.ts';
import type { Principal } from '../../switch/principal.ts';
import type { Session, SessionContext } from './session.ts';
import { guarded } from './wall.ts';

/** Keys of open sockets are judged anew after this time, a few every second. */
const JUDGE_AFTER_MS = 30_000;
const WATCH_EVERY_MS = 1_000;
const JUDGED_AT_ONCE_MAX = 500;
const USED_EVERY_MS = 60_000;

/** Gathers what keys have become, and tells sessions and calls at once: a suspended institution may have thousands. */
export function tellChanges(to: {
  clock: Clock;
  sessions: ReadonlySet<Session>;
  withdraw(keyHashes: ReadonlySet<string>): void;
}): (keyHash: string, principal: Principal | null) => void {
  let changed = new Map<string, Principal | null>();
  const tell = (): void => {
    const told = changed;
    changed = new Map();
    for (const session of [...to.sessions]) {
      const principal = told.get(session.keyHash);
      if (principal !== undefined) guarded(session, () => session.judge(principal))();
    }
    to.withdraw(new Set([...told].flatMap(([keyHash, now]) => (now === null ? [keyHash] : []))));
  };
  return (keyHash, principal) => {
    if (changed.size === 0) to.clock.after(0, tell);
    changed.set(keyHash, principal);
  };
}

/** Looks after the keys in use, a little every second: those of open sockets, those that end, when each was used. */
export function watchKeys(context: SessionContext): () => void {
  const { clock } = context.options;
  let cancel = clock.after(WATCH_EVERY_MS, watch);
  let toldAt = clock.monotonic();
  function watch(): void {
    cancel = clock.after(WATCH_EVERY_MS, watch);
    context.principals.endDue();
    judgeKeys(context);
    if (clock.monotonic() - toldAt < USED_EVERY_MS) return;
    toldAt = clock.monotonic();
    void context.principals.tellUsed();
    context.accounts.forgetIdle();
  }
  return () => cancel();
}

/** A withdrawn key ends its sockets too, even where nobody told of it. */
function judgeKeys({ options, principals, sessions }: SessionContext): void {
  const now = options.clock.monotonic();
  let asked = 0;
  for (const session of sessions) {
    if (session.keyHash === '' || now - session.judgedAt < JUDGE_AFTER_MS) continue;
    session.judgedAt = now;
    // To the end, or those in front would be due again before the others have had their turn.
    sessions.delete(session);
    sessions.add(session);
    principals.lookUpInTurn(session.keyHash).then(
      guarded(session, (principal) => session.judge(principal)),
      (error: unknown) => options.log.debug({ err: error }, 'a key could not be judged'),
    );
    asked += 1;
    if (asked === JUDGED_AT_ONCE_MAX) return;
  }
}
