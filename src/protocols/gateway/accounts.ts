// Who has asked how much: an account for each holder of keys, and one for its institution. Their limits come along with
// the key that was looked up, so no request waits for them.
//
//   N1. What is over a limit is refused before anything is done, and has used up nothing.
//   N2. A limit that was changed holds from the next look-up of a key: the next use of any, once the change is heard.
//   N3. Where nothing is limited, a request costs nothing here.
//   N4. Gateways tell each other a few times a second what they have taken; it is owed here, and sockets are added up.
//       So a limit is one of all gateways, but that each may give a burst before it hears of the others'.

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

/** What one gateway has taken for a party since it last told, and how many of its sockets it has. */
export interface Use {
  readonly party: Party;
  readonly id: string;
  readonly requests: number;
  readonly sockets: number;
}

interface Account {
  readonly id: string;
  readonly party: Party;
  set: LimitSettings;
  limits: Limits;
  bucket: TokenBucket | null;
  sockets: number;
  /** Open at other gateways, by gateway; null: none. */
  elsewhere: Map<number, number> | null;
  /** Taken since the others were told. */
  untold: number;
}

export interface AccountsOptions {
  readonly clock: Clock;
  /** What holds where an operator has set nothing. */
  readonly limits: { readonly parties: Readonly<Record<Party, Limits>> };
  readonly metrics: { limited(limit: LimitName): void };
  /** Whether there are other gateways. */
  readonly isShared?: boolean;
}

export class Accounts {
  readonly #options: AccountsOptions;
  readonly #accounts = new Map<string, Account>();
  /** Of which the others do not know all. */
  readonly #untold = new Set<Account>();
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
    const own = this.#find('holder', principal.id);
    const house = this.#houseOf(principal);
    const ownMs = own.bucket?.waitMs(now, ending) ?? 0;
    const houseMs = house?.bucket?.waitMs(now, ending) ?? 0;
    if (ownMs > 0 || houseMs > 0) {
      const party = ownMs >= houseMs ? 'holder' : 'institution';
      return this.#refusal(`${party}Requests`, Math.max(ownMs, houseMs) / 1_000);
    }
    this.#spend(own);
    if (house !== null) this.#spend(house);
    return null;
  }

  /** In how many ms a request would be taken; 0: now. */
  waitMs(principal: Principal, operation: string): number {
    if (!this.#isCounting) return 0;
    const now = this.#options.clock.monotonic();
    const ending = isEnding(operation);
    return Math.max(
      this.#find('holder', principal.id).bucket?.waitMs(now, ending) ?? 0,
      this.#houseOf(principal)?.bucket?.waitMs(now, ending) ?? 0,
    );
  }

  /** Why no more sockets are opened now; null: one may be. */
  fullOfSockets(principal: Principal): Problem | null {
    for (const party of ['holder', 'institution'] as const) {
      const account = this.#find(party, idOf(principal, party));
      const { limits } = account;
      if (limits.sockets !== null && socketsOf(account) >= limits.sockets) {
        return this.#refusal(`${party}Sockets`, SOCKET_RETRY_S);
      }
    }
    return null;
  }

  /** A socket has opened, or one that had has closed. */
  countSocket(principal: Principal, change: 1 | -1): void {
    for (const party of ['holder', 'institution'] as const) {
      const account = this.#find(party, idOf(principal, party));
      account.sockets += change;
      if (account.limits.sockets !== null) this.#tellLater(account);
    }
  }

  /** What the other gateways are to know, since this was last asked. */
  tell(): Use[] {
    const told = [...this.#untold].map((account) => {
      const { party, id, untold, sockets } = account;
      account.untold = 0;
      return { party, id, requests: untold, sockets };
    });
    this.#untold.clear();
    return told;
  }

  /** Another gateway has told (N4); null: it has begun anew, has no sockets, and knows of nobody's. */
  hear(gateway: number, uses: readonly Use[] | null): void {
    const now = this.#options.clock.monotonic();
    if (uses === null) this.#forgetGateway(gateway);
    for (const { party, id, requests, sockets } of uses ?? []) {
      const account = this.#find(party, id);
      account.bucket?.owe(requests, now);
      if (sockets > 0) account.elsewhere = (account.elsewhere ?? new Map()).set(gateway, sockets);
      else account.elsewhere?.delete(gateway);
    }
  }

  #forgetGateway(gateway: number): void {
    for (const account of this.#accounts.values()) {
      account.elsewhere?.delete(gateway);
      if (account.sockets > 0 && account.limits.sockets !== null) this.#tellLater(account);
    }
  }

  /** Lets go of accounts that say no more than new ones would. */
  forgetIdle(): void {
    const now = this.#options.clock.monotonic();
    for (const [id, account] of this.#accounts) {
      const { set, bucket, untold } = account;
      const isUsed = socketsOf(account) > 0 || untold > 0 || bucket?.isFull(now) === false;
      if (set === NOTHING_SET && !isUsed) this.#accounts.delete(id);
    }
  }

  /** Of an operator none: whoever raises a limit is not kept from it by the crowd that has reached it. */
  #houseOf({ kind, institutionId }: Principal): Account | null {
    return kind === 'operator' ? null : this.#find('institution', institutionId);
  }

  #find(party: Party, id: string): Account {
    let account = this.#accounts.get(id);
    if (account === undefined) {
      const limits = this.#options.limits.parties[party];
      account = {
        id,
        party,
        set: NOTHING_SET,
        limits,
        bucket: null,
        sockets: 0,
        elsewhere: null,
        untold: 0,
      };
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
    if (account.sockets > 0 && limits.sockets !== null) this.#tellLater(account);
  }

  #spend(account: Account): void {
    if (account.bucket === null) return;
    account.bucket.take();
    if (this.#options.isShared !== true) return;
    account.untold += 1;
    this.#untold.add(account);
  }

  #tellLater(account: Account): void {
    if (this.#options.isShared === true) this.#untold.add(account);
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

function socketsOf({ sockets, elsewhere }: Account): number {
  if (elsewhere === null) return sockets;
  let sum = sockets;
  for (const each of elsewhere.values()) sum += each;
  return sum;
}

function idOf(principal: Principal, party: Party): string {
  return party === 'holder' ? principal.id : principal.institutionId;
}

function rateOf({ requestsPerSecond, burst }: Limits): Rate | null {
  if (requestsPerSecond === null) return null;
  return { perSecond: requestsPerSecond, burst: burst ?? requestsPerSecond };
}
