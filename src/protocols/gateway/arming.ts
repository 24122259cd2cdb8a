// Arming a sticker: requests to up to three bills, one after the other, each of which says the same when it is repeated.
//
//   sticker     begin: from here on whoever comes by may do the rest, and the switch itself does so after some seconds
//   the order   is it free? Where it has come and gone, this arm is a late repeat and changes nothing
//   earlier     cancel it, if nothing was paid
//   new sale    create it, or find it
//   sticker     end: armed; or, where the earlier one is paid or the order is not free, as it was before
//
//   G1. Nothing is refused as not done once the arm has begun: what cannot be known then is unknown.
//   G2. What the sticker says at the end is the answer, whoever did the steps.
//   G3. A sale that was made while its sticker was withdrawn was never seen there: it is void before anybody is told of it.
//   G4. Another body of an order under way waits until that has ended, and is refused by what has come of it.

import type { BillStatus } from '../../domain/bill/vocabulary.ts';
import { type BillId, shardOfBill, shardOfOrder } from '../../domain/ids.ts';
import type { Principal } from '../../switch/principal.ts';
import type { Operation, ProposedTerms, Request, ShardDoor } from '../../switch/requests.ts';
import { encodeBody, presentProblem, type Standing } from '../presenter.ts';
import type { Problem } from '../problem-document.ts';
import { askShard, type ShardAnswer } from '../shard/ask-shard.ts';
import type { GatewaySurroundings } from './options.ts';
import type { OnReply } from './wall.ts';

/** Arms of others that one call brings to their end before it gives up. */
const OTHERS_MAX = 8;

type ArmRequest = Omit<Request, 'seq'> & {
  readonly operation: Extract<Operation, { op: 'bill.arm' }>;
};

type SaleShown = { readonly id: BillId; readonly status: BillStatus };

/** What a sale is that has not come and gone: none leaves its sticker so. */
const PAYABLE_OR_PAID: ReadonlySet<BillStatus> = new Set(['open', 'partiallyPaid', 'paid']);

/** What came of the steps between beginning and end. */
type End =
  /** `isOld`: it was armed before, so that the sticker stays as it is. */
  | { readonly saleId: BillId; readonly isNew: boolean; readonly isOld: boolean }
  | { readonly refusal: Problem }
  | 'unknown';

/** Calls back once. */
export function armSticker(
  { door, log }: Pick<GatewaySurroundings, 'door' | 'log'>,
  request: ArmRequest,
  onReply: OnReply,
): void {
  const { encoding, requestId } = request;
  new Arming(door, requestId).arm(request).then(
    ({ status, body }) => onReply(status, body),
    (error: unknown) => {
      log.error({ err: error, requestId }, 'a sticker could not be armed');
      const { status, body } = presentProblem({ code: 'internal' }, encoding, requestId);
      onReply(status, body);
    },
  );
}

/** Ends the arm of a sticker that whoever began it has left. What fails is tried again by its shard. */
export function driveArming(
  { door, log, newRequestId }: Pick<GatewaySurroundings, 'door' | 'log' | 'newRequestId'>,
  billId: BillId,
): void {
  const requestId = newRequestId();
  new Arming(door, requestId).goOn(billId).catch((error: unknown) => {
    log.error({ err: error, requestId }, 'the arm of a sticker could not be ended');
  });
}

class Arming {
  readonly #door: ShardDoor;
  readonly #requestId: string;

  constructor(door: ShardDoor, requestId: string) {
    this.#door = door;
    this.#requestId = requestId;
  }

  async arm(request: ArmRequest): Promise<ShardAnswer> {
    for (let i = 0; i <= OTHERS_MAX; i++) {
      const answer = await this.#try(request);
      if (answer !== null) return answer;
    }
    return problemFor({ code: 'overloaded', members: { retryAfter: 1 } }, request);
  }

  /** Null where it was another arm's turn. */
  async #try(request: ArmRequest): Promise<ShardAnswer | null> {
    const { operation, principal, shard } = request;
    const begun = await this.#send(shard, principal, operation);
    if (begun.status === 409) return this.#refused(begun, request);
    if (begun.status !== 200) return translated(begun, request);
    const standing = read<Standing>(begun);
    if (standing.saleId !== null) return this.#show(standing.saleId, 200, request);
    if (standing.arming === null) return null;
    const end = await this.#drive(operation.billId, standing, standing.arming);
    if (!isSameArm(standing.arming, operation.sale)) return null;
    if (end === 'unknown') return problemFor(UNKNOWN, request);
    if ('refusal' in end) return problemFor(end.refusal, request);
    return this.#show(end.saleId, end.isNew ? 201 : 200, request);
  }

  async goOn(billId: BillId): Promise<void> {
    const found = await this.#send(shardOfBill(billId), null, { op: 'sticker.get', billId });
    if (found.status !== 200) return;
    const standing = read<Standing>(found);
    if (standing.arming !== null) await this.#drive(billId, standing, standing.arming);
  }

  /** Does the steps of the arm under way, in the name of the terminal whose it is. */
  async #drive(billId: BillId, { carriedId }: Standing, terms: ProposedTerms): Promise<End> {
    const by = terminalOf(terms);
    const end =
      (await this.#repeated(carriedId, terms, by)) ??
      (await this.#void(carriedId, by)) ??
      (await this.#create(terms, by));
    if (end === 'unknown') return end;
    const { terminalId, orderId, id: attempt } = terms;
    const saleId = 'saleId' in end && !end.isOld ? end.saleId : null;
    const ending = { op: 'sticker.end', billId, terminalId, orderId, attempt, saleId } as const;
    const ended = await this.#send(shardOfBill(billId), by, ending);
    if (ended.status !== 200) return 'unknown';
    if (saleId === null && 'saleId' in end) return end;
    // G2: another may have brought it to another end.
    const standing = read<Standing>(ended);
    const armed = standing.saleId;
    if (armed !== null) return { saleId: armed, isNew: 'isNew' in end && end.isNew, isOld: false };
    if ('refusal' in end) return end;
    return standing.isOpen ? 'unknown' : this.#overtaken(end.saleId, by);
  }

  /** G3. */
  async #overtaken(saleId: BillId, by: Principal | null): Promise<End> {
    const isKnown = (await this.#void(saleId, by)) !== 'unknown';
    return isKnown ? { saleId, isNew: false, isOld: true } : 'unknown';
  }

  /** Null where the order's sale is still to be armed. */
  async #repeated(
    carriedId: BillId | null,
    { terminalId, orderId, digest, id }: ProposedTerms,
    by: Principal,
  ): Promise<End | null> {
    const check = { op: 'order.check', terminalId, orderId, digest } as const;
    const answer = await this.#send(shardOfBill(id), by, check);
    if (answer.status === 404) return null;
    if (answer.status === 409) return { refusal: refusalIn(answer) };
    if (answer.status !== 200) return 'unknown';
    const sale = read<SaleShown>(answer);
    const isOld = sale.id === carriedId || !PAYABLE_OR_PAID.has(sale.status);
    return isOld ? { saleId: sale.id, isNew: false, isOld } : null;
  }

  /** What cannot be armed any more may have been, by this same call: then it keeps its answer. */
  async #refused(refusal: ShardAnswer, request: ArmRequest): Promise<ShardAnswer> {
    const { operation, principal, shard } = request;
    const { terminalId, orderId, digest } = operation.sale;
    const check = { op: 'order.check', terminalId, orderId, digest } as const;
    const orderShard = shardOfOrder(terminalId, orderId, this.#door.shards);
    const answer = await this.#send(orderShard, principal, check);
    if (answer.status === 404 || answer.status === 409) return translated(refusal, request);
    // What the order has come to cannot be known now, and so not whether the refusal takes an answer back.
    if (answer.status !== 200) return translated(answer, request);
    const sale = read<SaleShown>(answer);
    if (sale.status !== 'open') return this.#show(sale.id, 200, request);
    // The sticker would have known it, had it been armed.
    const get = { op: 'sticker.get', billId: operation.billId } as const;
    const found = await this.#send(shard, principal, get);
    const isOver = found.status === 200 && !read<Standing>(found).isOpen;
    const end = isOver ? await this.#overtaken(sale.id, principal) : 'unknown';
    if (end === 'unknown') return problemFor(UNKNOWN, request);
    return this.#show(sale.id, 200, request);
  }

  /** Null where the earlier sale is out of the way for good. */
  async #void(earlierId: BillId | null, by: Principal | null): Promise<End | null> {
    if (earlierId === null) return null;
    const operation = { op: 'order.cancel', billId: earlierId } as const;
    const answer = await this.#send(shardOfBill(earlierId), by, operation);
    if (answer.status !== 200) return 'unknown';
    const { status } = read<SaleShown>(answer);
    const isPaid = status === 'paid' || status === 'partiallyPaid';
    const members = { reason: 'paid', saleId: earlierId };
    return isPaid ? { refusal: { code: 'bill.notArmable', members } } : null;
  }

  async #create(terms: ProposedTerms, by: Principal): Promise<End> {
    const answer = await this.#send(shardOfBill(terms.id), by, { op: 'bill.create', terms });
    if (answer.status === 409) return { refusal: refusalIn(answer) };
    if (answer.status !== 200 && answer.status !== 201) return 'unknown';
    const isNew = answer.status === 201;
    return { saleId: read<SaleShown>(answer).id, isNew, isOld: false };
  }

  /** The sale as it now is. */
  async #show(billId: BillId, status: 200 | 201, request: ArmRequest): Promise<ShardAnswer> {
    const { principal, encoding } = request;
    const operation = { op: 'bill.get', billId, afterVersion: null, waitMs: 0 } as const;
    const shown = await this.#send(shardOfBill(billId), principal, operation, encoding);
    if (shown.status === 200) return { status, body: shown.body };
    return problemFor(UNKNOWN, request);
  }

  /** Each request is its own: the door puts a number into it. */
  #send(
    shard: Request['shard'],
    principal: Principal | null,
    operation: Operation,
    encoding: Request['encoding'] = 'json',
  ): Promise<ShardAnswer> {
    const requestId = this.#requestId;
    return askShard(this.#door, { shard, principal, requestId, encoding, operation });
  }
}

const UNKNOWN: Problem = {
  code: 'outcome.unknown',
  detail: 'The arm has begun, and how it ends is not known yet. Retry with the same order.',
};

/** The terminal that asked for the sale: it acts, whoever does the steps, and it sees its merchant's bills. */
function terminalOf(terms: ProposedTerms): Principal {
  const { terminalId, institutionId, merchantId, merchant } = terms;
  return {
    kind: 'terminal',
    id: terminalId,
    institutionId,
    merchantId,
    merchant,
    restricted: false,
    subscribed: false,
  };
}

type Arm = Pick<ProposedTerms, 'terminalId' | 'orderId' | 'digest'>;

/** Whether it is the same order of the same terminal, with the same body. */
function isSameArm(arm: Arm, other: Arm): boolean {
  return (
    arm.terminalId === other.terminalId &&
    arm.orderId === other.orderId &&
    arm.digest === other.digest
  );
}

/** `order.void` or `order.reused`, with what it carries. */
function refusalIn(answer: ShardAnswer): Problem {
  const { code, billId } = read<{ readonly code: Problem['code']; readonly billId?: BillId }>(
    answer,
  );
  return billId === undefined ? { code } : { code, members: { billId } };
}

function problemFor(problem: Problem, { encoding, requestId }: ArmRequest): ShardAnswer {
  return presentProblem(problem, encoding, requestId);
}

function translated({ status, body }: ShardAnswer, { encoding }: ArmRequest): ShardAnswer {
  return encoding === 'json'
    ? { status, body }
    : { status, body: encodeBody(read({ status, body }), encoding) };
}

function read<Body>({ body }: ShardAnswer): Body {
  return JSON.parse(Buffer.from(body).toString('utf8')) as Body;
}
