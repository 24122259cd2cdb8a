// One batch: creates that come line by line and are answered line by line. As many are under way as its bounds allow;
// while that is so, or while the client does not read its answers, no more of the body is read.

import { must } from '../../domain/assert.ts';
import { parseReference } from '../../domain/ids.ts';
import type { Principal } from '../../switch/principal.ts';
import { isProblem, type ReadingContext } from '../operations/addressing.ts';
import { readOperation } from '../operations/read-operation.ts';
import { presentProblem } from '../presenter.ts';
import type { Problem } from '../problem-document.ts';
import { LIMITS } from '../schemas/scalars.ts';
import type { Accounts } from './accounts.ts';
import { type Exchange, readJson } from './exchange.ts';
import { LineOutbox } from './line-outbox.ts';
import type { Line } from './lines.ts';
import type { GatewaySurroundings } from './options.ts';
import type { Principals } from './principals.ts';
import { type Answered, guarded, replyTo, type Walled, when } from './wall.ts';

/** Lines of one batch that shards have and have not answered: few, so that single calls find room beside them. */
const UNDER_WAY_MAX = 256;
/** Bytes of such lines: their bills come back with what they carry. */
const UNDER_WAY_BYTES_MAX = 1_048_576;
/** Bytes of answers that may wait for the client. */
const WAITING_BYTES_MAX = 1_048_576;

export interface BatchContext {
  readonly options: GatewaySurroundings;
  readonly reading: ReadingContext;
  readonly principals: Principals;
  readonly accounts: Accounts;
}

export class Batch implements Walled {
  readonly #context: BatchContext;
  readonly #exchange: Exchange;
  readonly #lines: NonNullable<Exchange['lines']>;
  readonly #onOver: () => void;
  readonly #outbox: LineOutbox;
  #principal: Principal | null;
  #isAsking = false;
  /** The rate of its terminal or institution lets it take no line for a moment. */
  #isWaiting = false;
  #taken = 0;
  #underWay = 0;
  #underWayBytes = 0;
  /** More lines than a batch may have: the rest is not read. */
  #isFull = false;
  #isOver = false;

  constructor(of: {
    context: BatchContext;
    exchange: Exchange;
    principal: Principal;
    onOver: () => void;
  }) {
    const { clock } = of.context.options;
    this.#context = of.context;
    this.#exchange = of.exchange;
    this.#lines = must(of.exchange.lines, 'the lines of a batch');
    this.#principal = of.principal;
    this.#onOver = of.onOver;
    this.#outbox = new LineOutbox({ sink: of.exchange, clock, whose: this, onTurn: this.#goOn });
  }

  start(): void {
    this.#exchange.onLines = () => {
      const { batchUnreadBytes } = this.#context.options.limits;
      if (this.#lines.waitingBytes > batchUnreadBytes) this.#exchange.cut();
      else this.#goOn();
    };
    // Whatever has come whole is done all the same; nobody reads the answers.
    this.#exchange.onGone(() => {
      this.#outbox.close();
      this.#goOn();
    });
    this.#goOn();
  }

  /** A mistake of ours ends the batch, not the gateway. */
  failed(error: unknown): void {
    this.#leave();
    this.#exchange.failed(error);
  }

  readonly #goOn = guarded(this, () => {
    if (!this.#isOver) this.#takeMore();
  });

  /** Takes what there is room for, then reads on, waits or ends. */
  #takeMore(): void {
    while (this.#hasRoom && !this.#mustWait()) {
      const line = this.#lines.next();
      if (line === null) {
        this.#readOnOrEnd();
        return;
      }
      this.#take(line);
    }
    if (this.#isFull) this.#readOnOrEnd();
  }

  get #hasRoom(): boolean {
    return (
      !this.#isFull &&
      this.#underWay < UNDER_WAY_MAX &&
      this.#underWayBytes < UNDER_WAY_BYTES_MAX &&
      this.#outbox.waitingBytes < WAITING_BYTES_MAX
    );
  }

  /** A line beyond the rate waits: who sends a batch is not refused for what it holds. */
  #mustWait(): boolean {
    const { accounts, options } = this.#context;
    if (this.#principal === null || this.#lines.waitingBytes === 0) return false;
    const waitMs = accounts.waitMs(this.#principal, 'bill.create');
    if (waitMs === 0) return false;
    if (!this.#isWaiting) {
      this.#isWaiting = true;
      options.clock.after(waitMs, () => {
        this.#isWaiting = false;
        this.#goOn();
      });
    }
    return true;
  }

  /** All that has come is taken. */
  #readOnOrEnd(): void {
    const isLast = this.#lines.hasEnded || this.#isFull || this.#exchange.isAnswered;
    if (!isLast) {
      this.#exchange.resumeBody();
    } else if (this.#underWay === 0 && this.#outbox.waitingBytes === 0) {
      this.#exchange.end();
      this.#leave();
    }
  }

  #leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#outbox.close();
    this.#onOver();
  }

  #take(line: Line): void {
    const { batchLines } = this.#context.options.limits;
    this.#taken += 1;
    if (this.#taken > batchLines) {
      this.#isFull = true;
      const detail = `A batch has at most ${batchLines} lines: this one and what follows were not read. Send them in another.`;
      this.#refuse(line.no, null, { code: 'body.tooLarge', detail });
      return;
    }
    if (line.bytes === null) {
      this.#refuse(line.no, null, TOO_LONG);
      return;
    }
    const json = readJson(line.bytes);
    if ('problem' in json) {
      this.#refuse(line.no, null, json.problem);
      return;
    }
    this.#create(line.no, line.bytes.length, json.value);
  }

  #create(no: number, length: number, body: unknown): void {
    const { options, reading } = this.#context;
    const orderId = orderIdOf(body);
    const principal = this.#judged();
    if (principal === null) {
      this.#refuse(no, orderId, { code: 'request.unauthenticated' });
      return;
    }
    if (this.#exchange.closesConnection) {
      this.#refuse(no, orderId, { code: 'shuttingDown' });
      return;
    }
    const read = readOperation('bill.create', body, principal, reading);
    if (!(read instanceof Promise) && isProblem(read)) {
      this.#refuse(no, orderId, read);
      return;
    }
    this.#context.accounts.take(principal, 'bill.create');
    const { requestId } = this.#exchange.incoming;
    const call = this.#begin(no, orderId, length);
    when(call, read, (done) => {
      if (isProblem(done)) {
        const { status, body: problem } = presentProblem(done, 'json', requestId);
        call.reply(status, problem);
      } else {
        options.door.send({ ...done, principal, requestId, encoding: 'json' }, replyTo(call));
      }
    });
  }

  /** A line that is under way until it is answered. */
  #begin(no: number, orderId: string | null, length: number): Answered {
    const { clock, metrics } = this.#context.options;
    const sentAt = clock.monotonic();
    this.#underWay += 1;
    this.#underWayBytes += length;
    const reply = (status: number, answer: Uint8Array): void => {
      this.#underWay -= 1;
      this.#underWayBytes -= length;
      this.#answer(no, orderId, status, answer);
      metrics.answered('bill.create', 'batch', status, clock.monotonic() - sentAt);
      if (this.#exchange.isAnswered) setImmediate(this.#goOn);
    };
    return { reply, failed: (error) => this.failed(error) };
  }

  #refuse(no: number, orderId: string | null, problem: Problem): void {
    const { requestId } = this.#exchange.incoming;
    const { status, body } = presentProblem(problem, 'json', requestId);
    this.#answer(no, orderId, status, body);
  }

  #answer(no: number, orderId: string | null, status: number, body: Uint8Array): void {
    const order = orderId === null ? 'null' : `"${orderId}"`;
    const name = status < 400 ? 'bill' : 'problem';
    this.#outbox.push(
      Buffer.concat([
        Buffer.from(`{"line":${no},"orderId":${order},"status":${status},"${name}":`),
        body,
        LINE_END,
      ]),
    );
  }

  /** Whose the key is now. What is not known of it is asked for beside: until then it is whose it was. */
  #judged(): Principal | null {
    const { options, principals } = this.#context;
    const { keyHash } = this.#exchange;
    const known = principals.find(keyHash);
    if (known !== undefined) {
      this.#principal = known;
    } else if (!this.#isAsking) {
      this.#isAsking = true;
      principals
        .lookUpInTurn(keyHash)
        .then(
          (principal) => {
            this.#principal = principal;
          },
          (error: unknown) => options.log.debug({ err: error }, 'a key could not be judged'),
        )
        .finally(() => {
          this.#isAsking = false;
        });
    }
    return this.#principal;
  }
}

const LINE_END = Buffer.from('}\n');
const TOO_LONG: Problem = {
  code: 'body.tooLarge',
  detail: `A line of a batch has at most ${LIMITS.bodyBytes} bytes.`,
};

/** As the line names it, where that is a name. */
function orderIdOf(body: unknown): string | null {
  if (body === null || typeof body !== 'object' || !('orderId' in body)) return null;
  const { orderId } = body;
  return typeof orderId === 'string' ? (parseReference(orderId) ?? null) : null;
}
