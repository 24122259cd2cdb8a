// Whether what the clients of one bill were told can have come about one call after another: a search in the manner of
// Wing, Gong and Lowe that remembers which calls it had put in order, with which bill, in vain.

import { agrees, versionShownBy } from './answers.ts';
import { type Model, NOTHING, type Told } from './bill.ts';
import { type Call, NEVER, telling } from './calls.ts';
import { say } from './model.ts';
import { Names } from './names.ts';
import { found, overdueAt, timersOf } from './time.ts';

export type Verdict =
  | { readonly ok: true; readonly states: number }
  | { readonly ok: false; readonly why: string; readonly prefix: readonly Call[] }
  /** The bound was reached before either was known. */
  | { readonly ok: 'gaveUp'; readonly states: number };

export interface Bounds {
  /** How many states the search may visit, and 30 times as many calls may it look at: in long histories each state is dear. */
  readonly statesMax?: number;
  /** How far the switch's clock may be from the clients'; without it a timer may come at any time. */
  readonly skewMs?: number;
}

const STATES_MAX = 200_000;
const TRIES_PER_STATE = 30;

/** Whether the calls of one bill and its order, in whatever order they are given, are linearisable. */
export function checkHistory(calls: readonly Call[], bounds: Bounds = {}): Verdict {
  const known = telling(calls);
  const search = new Search(known, bounds);
  const result = search.run();
  if (result === 'gaveUp') return { ok: 'gaveUp', states: search.states };
  if (result) return { ok: true, states: search.states };
  return shortest(known, bounds);
}

/** The fewest answers, in the order in which they came, that cannot be explained. */
function shortest(calls: readonly Call[], bounds: Bounds): Verdict {
  const returns = calls.flatMap(({ answer, returnedAt }) => (answer === null ? [] : [returnedAt]));
  returns.sort((left, right) => left - right);
  const triesMax = (bounds.statesMax ?? STATES_MAX) * TRIES_PER_STATE;
  let tries = 0;
  for (const until of new Set(returns)) {
    if (tries > triesMax) break;
    const prefix = calls
      .filter(({ invokedAt }) => invokedAt <= until)
      .map((call) =>
        call.returnedAt <= until ? call : { ...call, answer: null, returnedAt: NEVER },
      );
    const search = new Search(prefix, bounds);
    if (search.run() === false) return { ok: false, why: search.why, prefix };
    tries += search.tries;
  }
  return { ok: false, why: 'no order of the calls explains the answers', prefix: calls };
}

class Search {
  readonly #calls: readonly Call[];
  readonly #bits: readonly bigint[];
  readonly #versions: readonly number[];
  readonly #statesMax: number;
  readonly #skewMs: number;
  /** Calls put in order and bills that came of it, from where no way leads on. */
  readonly #dead = new Set<string>();
  readonly #names = new Names();
  #answered = 0;
  #most = -1;
  states = 0;
  tries = 0;
  /** Which answer stood in the way where the search got furthest, and what it should have been. */
  why = '';

  constructor(calls: readonly Call[], { statesMax, skewMs }: Bounds) {
    this.#calls = calls;
    this.#bits = calls.map((_, index) => 1n << BigInt(index));
    this.#versions = calls.map(versionShownBy);
    this.#statesMax = statesMax ?? STATES_MAX;
    this.#skewMs = skewMs ?? NEVER;
    for (const { answer } of calls) if (answer !== null) this.#answered += 1;
  }

  run(): boolean | 'gaveUp' {
    try {
      return this.#goOn(0n, 0, -NEVER, NOTHING);
    } catch (error) {
      if (error instanceof TooFar) return 'gaveUp';
      throw error;
    }
  }

  /** `done`: the calls in order so far; `since`: the latest time at which one of them began. */
  #goOn(done: bigint, answered: number, since: number, model: Model): boolean {
    if (answered === this.#answered) return true;
    this.tries += this.#calls.length;
    if (this.tries > this.#statesMax * TRIES_PER_STATE) throw new TooFar();
    const { until, version } = this.#ahead(done);
    this.#note(done, answered, until, model);
    // Versions only grow: an answer that is still to come cannot show one that has passed.
    if (model.is === 'bill' && model.bill.version > version) return false;
    const moves = this.#movesFrom(done, until, since, model);
    const idle = moves.find(({ isIdle }) => isIdle);
    // What changes nothing can as well have happened at once.
    if (idle !== undefined) return this.#take(idle, done, answered);
    const name = `${done.toString(36)} ${this.#names.of(model)}`;
    if (this.#dead.has(name)) return false;
    this.states += 1;
    if (this.states > this.#statesMax) throw new TooFar();
    if (moves.some((move) => this.#take(move, done, answered))) return true;
    for (const { due, model: next } of timersOf(model)) {
      const mayCome = due.from - this.#skewMs <= until;
      if (mayCome && this.#goOn(done, answered, since, next)) return true;
    }
    this.#dead.add(name);
    return false;
  }

  #take({ index, isAnswered, since, model }: Move, done: bigint, answered: number): boolean {
    return this.#goOn(done | this.#bit(index), answered + (isAnswered ? 1 : 0), since, model);
  }

  /** What may come next, the first answered first: that is mostly how it was. */
  #movesFrom(done: bigint, until: number, since: number, model: Model): Move[] {
    const moves: Move[] = [];
    for (const [index, call] of this.#calls.entries()) {
      if (call.invokedAt > until) break;
      if ((done & this.#bit(index)) !== 0n) continue;
      const move = this.#moveOf(index, call, Math.max(since, call.invokedAt), model);
      if (move?.isIdle === true) return [move];
      if (move !== null) moves.push(move);
    }
    return moves.sort((left, right) => left.returnedAt - right.returnedAt);
  }

  #moveOf(index: number, call: Call, since: number, model: Model): Move | null {
    if (overdueAt(model) + this.#skewMs < since) return null;
    const before = found(model);
    const { model: next, told } = say(before, call);
    if (!agrees(told, call)) return null;
    const isAnswered = call.answer !== null;
    const isIdle = next === before;
    if (isIdle && !isAnswered) return null;
    return { index, isAnswered, isIdle, since, returnedAt: call.returnedAt, model: next };
  }

  /**
   * Among the calls that are not in order yet: the first answer, before which nothing can come that began later, and
   * the lowest version that an answer shows.
   */
  #ahead(done: bigint): { readonly until: number; readonly version: number } {
    let until = NEVER;
    let version = NEVER;
    for (const [index, { answer, returnedAt }] of this.#calls.entries()) {
      if (answer === null || (done & this.#bit(index)) !== 0n) continue;
      until = Math.min(until, returnedAt);
      version = Math.min(version, this.#versions[index] ?? NEVER);
    }
    return { until, version };
  }

  #note(done: bigint, answered: number, until: number, model: Model): void {
    if (answered <= this.#most) return;
    this.#most = answered;
    const index = this.#calls.findIndex(
      (call, at) => call.returnedAt === until && (done & this.#bit(at)) === 0n,
    );
    const call = this.#calls[index];
    if (call === undefined) return;
    const { told } = say(found(model), call);
    this.why = `${describe(call)}, and after the ${answered} answers before it: ${describeTold(told)}`;
  }

  #bit(index: number): bigint {
    return this.#bits[index] ?? 0n;
  }
}

interface Move {
  readonly index: number;
  readonly isAnswered: boolean;
  /** It changes nothing. */
  readonly isIdle: boolean;
  readonly since: number;
  readonly returnedAt: number;
  readonly model: Model;
}

class TooFar extends Error {}

/** A call on one line. */
export function describe({ client, op, body, answer, invokedAt, returnedAt }: Call): string {
  const asked = `${invokedAt} ${client} ${op} ${JSON.stringify(body)}`;
  if (answer === null) return `${asked} → no answer`;
  const { status, version, due, paid, code, reason } = answer.body;
  const said = JSON.stringify({ status, version, due, paid, code, reason });
  return `${asked} → ${returnedAt} ${answer.status} ${said}`;
}

function describeTold(told: Told): string {
  return told.status === 'refused'
    ? `${told.code} ${JSON.stringify(told.body)}`
    : `${told.status} ${JSON.stringify(told.body)}`;
}
