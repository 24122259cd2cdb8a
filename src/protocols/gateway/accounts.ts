// Who has asked how much: an account for each holder of keys, and one for its institution. Their limits come along with
// the key that was looked up, so no request waits for them.
//
//   N1. What is over a limit is refused before anything is done, and has used up nothing.
//   N2. A limit that was changed holds from the next look-up of a key, which follows the change within a second.
//   N3. Where nothing is limited, a request costs nothing here.

import type { KeyHolder } from '../../switch/directory.ts';
import { inForce, isEnding, type LimitSettings, type Limits } from '../../switch/limits.ts';
import type { Clock } from '../../switch/ports.ts';
import type { Principal } from '../../switch/principal.ts';
import type { Problem } from '../problem-document.ts';
import { type Rate, TokenBucket } from './token-bucket.ts';

/** Which limit it was: words of a fixed number, for metrics and problems. */
export type LimitName = `${Party}${'Requests' | 'Sockets'}`;
type Party = 'holder' | 'institution';

/** Another socket must close first, and nobody knows when. */
const SOCKET_RETRY_S = 5;
const NOTHING_SET: LimitSettings = {};

interface Account {
  readonly party: Party;
  set: LimitSettings;
  limits: Limits;
  bucket: TokenBucket | null;
  sockets: number;
}

export interface AccountsOptions {
  readonly clock: Clock;
  /** What holds where an operator has set nothing. */
  readonly limits: { readonly parties: Readonly<Record<Party, Limits>> };
  readonly metrics: { limited(limit: LimitName): void };
}

export class Accounts {
  readonly #options: AccountsOptions;
  readonly #accounts = new Map<string, Account>();
  #isCounting: boolean;

  constructor(options: AccountsOptions) {
    this.#options = options;
    const { holder, institution } = options.limits.parties;
    this.#isCounting = holder.requestsPerSecond !== null || institution.requestsPerSecond !== null;
  }

  get size(): number {
    return this.#accounts.size;
  }

  /** Takes what an operator has set, as the directory tells it with a key. */
  learn({ principal, limits }: KeyHolder): void {
    this.#set('holder', principal.id, limits?.holder ?? NOTHING_SET);
    this.#set('institution', principal.institutionId, limits?.institution ?? NOTHING_SET);
  }

  /** Counts a request, or says why it is not taken now. */
  take(principal: Principal, operation: string): Problem | null {
    if (!this.#isCounting) return null;
    const now = this.#options.clock.monotonic();
    const ending = isEnding(operation);
    const own = this.#find('holder', principal.id).bucket;
    const house = this.#find('institution', principal.institutionId).bucket;
    const ownMs = own === null ? 0 : own.waitMs(now, ending);
    const houseMs = house === null ? 0 : house.waitMs(now, ending);
    if (ownMs > 0 || houseMs > 0) {
      const party = ownMs >= houseMs ? 'holder' : 'institution';
      return this.#refusal(`${party}Requests`, Math.max(ownMs, houseMs) / 1_000);
    }
    own?.take();
    house?.take();
    return null;
  }

  /** In how many ms a request would be taken; 0: now. */
  waitMs(principal: Principal, operation: string): number {
    if (!this.#isCounting) return 0;
    const now = this.#options.clock.monotonic();
    const ending = isEnding(operation);
    return Math.max(
      this.#find('holder', principal.id).bucket?.waitMs(now, ending) ?? 0,
      this.#find('institution', principal.institutionId).bucket?.waitMs(now, ending) ?? 0,
    );
  }

  /** Why no more sockets are opened now; null: one may be. */
  fullOfSockets(principal: Principal): Problem | null {
    for (const party of ['holder', 'institution'] as const) {
      const { sockets, limits } = this.#find(party, idOf(principal, party));
      if (limits.sockets !== null && sockets >= limits.sockets) {
        return this.#refusal(`${party}Sockets`, SOCKET_RETRY_S);
      }
    }
    return null;
  }

  /** A socket has opened, or one that had has closed. */
  countSocket(principal: Principal, change: 1 | -1): void {
    this.#find('holder', principal.id).sockets += change;
    this.#find('institution', principal.institutionId).sockets += change;
  }

  /** Lets go of accounts that say no more than new ones would. */
  forgetIdle(): void {
    const now = this.#options.clock.monotonic();
    for (const [id, { set, sockets, bucket }] of this.#accounts) {
      const isIdle =
        set === NOTHING_SET && sockets === 0 && (bucket === null || bucket.isFull(now));
      if (isIdle) this.#accounts.delete(id);
    }
  }

  #find(party: Party, id: string): Account {
    let account = this.#accounts.get(id);
    if (account === undefined) {
      const limits = this.#options.limits.parties[party];
      account = { party, set: NOTHING_SET, limits, bucket: null, sockets: 0 };
      this.#accounts.set(id, account);
      this.#refit(account);
    }
    return account;
  }

  #set(party: Party, id: string, given: LimitSettings): void {
    const set = Object.keys(given).length === 0 ? NOTHING_SET : given;
    if (set === NOTHING_SET && !this.#accounts.has(id)) return;
    const account = this.#find(party, id);
    const limits = inForce(set, this.#options.limits.parties[party]);
    account.set = set;
    const before = account.limits;
    account.limits = limits;
    const isSame =
      limits.requestsPerSecond === before.requestsPerSecond && limits.burst === before.burst;
    if (!isSame) this.#refit(account);
  }

  /** Gives the account the bucket that its limits ask for. */
  #refit(account: Account): void {
    const rate = rateOf(account.limits);
    const now = this.#options.clock.monotonic();
    if (rate === null) account.bucket = null;
    else if (account.bucket === null) account.bucket = new TokenBucket(rate, now);
    else account.bucket.change(rate, now);
    this.#isCounting ||= rate !== null;
  }

  #refusal(limit: LimitName, afterS: number): Problem {
    this.#options.metrics.limited(limit);
    const detail = SENTENCES[limit];
    return { code: 'rate.limited', detail, members: { limit, retryAfter: Math.ceil(afterS) } };
  }
}

const SENTENCES: Readonly<Record<LimitName, string>> = {
  holderRequests: 'Whoever holds this key has asked too much in a short time. Nothing was done.',
  institutionRequests:
    'This key’s institution has asked too much in a short time. Nothing was done.',
  holderSockets: 'Whoever holds this key has as many WebSockets open as it may have.',
  institutionSockets: 'This key’s institution has as many WebSockets open as it may have.',
};

function idOf(principal: Principal, party: Party): string {
  return party === 'holder' ? principal.id : principal.institutionId;
}

function rateOf({ requestsPerSecond, burst }: Limits): Rate | null {
  if (requestsPerSecond === null) return null;
  return { perSecond: requestsPerSecond, burst: burst ?? requestsPerSecond };
}
