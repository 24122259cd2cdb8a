// Planted faults of bills at a bank: what is asked twice, not asked, or not heard.

import { isPresent } from '../../src/domain/bill/state.ts';
import type { BillFact } from '../../src/domain/bill/vocabulary.ts';
import { MINUTE_MS } from '../../src/domain/time.ts';
import { done } from '../../src/drivers/contract/bill-driver.ts';
import { GroupCommit } from '../../src/switch/group-commit.ts';
import type { Asked } from '../../src/switch/reply-sink.ts';
import { Shard } from '../../src/switch/shard.ts';
import { patch } from './patch.ts';
import type { RunOptions } from './settings.ts';
import { SimBankDriver } from './sim-bank-driver.ts';

type Register = SimBankDriver['register'];
type Look = SimBankDriver['look'];
type Apply = Parameters<Shard['apply']>;
type Hold = Parameters<GroupCommit['hold']>;

/** By name: plants the fault, and returns how to take it out again. */
export const BANK_BUGS = {
  /** A call is made of which the log does not know. */
  'call-not-kept': () =>
    patch<Apply, void, Shard>(Shard.prototype, 'apply', (apply) => (self, ...args) => {
      const [cell, command, facts, cause] = args;
      const others = facts.filter(({ type }) => type !== 'AcquiringBegun');
      apply(self, cell, command, others, cause);
    }),

  /** A call is made before the log has it. */
  'call-before-durable': () =>
    patch<Hold, boolean, GroupCommit>(GroupCommit.prototype, 'hold', (hold) => (self, ...args) => {
      return args[1].operation.op === 'acquiring.begin' ? false : hold(self, ...args);
    }),

  /** What may have been done is asked for again, and nobody looks first whether it was. */
  'question-skipped': () =>
    patch<Parameters<Register>, ReturnType<Register>, SimBankDriver>(
      SimBankDriver.prototype,
      'register',
      (register) => (self, tender) => register(self, tender, { lastSentAt: null }),
    ),

  /** What a look has seen is lost on its way to the shard. */
  'look-unheard': () =>
    patch<[Asked], void, Shard>(Shard.prototype, 'receive', (receive) => (self, asked) => {
      const { operation } = asked;
      const isLook = operation.op === 'acquiring.finish' && operation.step.call === 'look';
      receive(self, isLook ? { ...asked, operation: { ...operation, no: -1 } } : asked);
    }),

  /** A credit that is asked for, and of nobody. */
  'refund-unasked': () =>
    patch<Apply, void, Shard>(Shard.prototype, 'apply', (apply) => (self, ...args) => {
      const [cell, command, facts, cause] = args;
      apply(self, cell, command, facts.map(unasked), cause);
    }),

  /** A refund whose answer is missing is taken for done. */
  'refund-guessed': () =>
    patch<[Asked], void, Shard>(Shard.prototype, 'receive', (receive) => (self, asked) => {
      const { operation } = asked;
      const isOpen = operation.op === 'acquiring.finish' && operation.outcome.outcome === 'unknown';
      if (!isOpen || operation.step.call !== 'refund') return receive(self, asked);
      const { bill } = self.residents.awake(operation.billId) ?? {};
      const seen = bill !== undefined && isPresent(bill) ? bill.acquiring?.record.seen : null;
      if (seen == null) return receive(self, asked);
      const outcome = { outcome: 'done', value: seen } as const;
      receive(self, { ...asked, operation: { ...operation, outcome } });
    }),

  /** Nobody is told that what shows as given back may yet fail. */
  'under-way-unsaid': () =>
    patch<Parameters<Look>, ReturnType<Look>, SimBankDriver>(
      SimBankDriver.prototype,
      'look',
      (look) => async (self, registration) => {
        const seen = await look(self, registration);
        return seen.outcome === 'done' ? done({ ...seen.value, isReturning: false }) : seen;
      },
    ),

  /** What waits for an earlier call to settle waits anew whenever it is taken up. */
  'wait-begun-anew': () =>
    patch<[Asked], void, Shard>(Shard.prototype, 'receive', (receive) => (self, asked) => {
      const { operation } = asked;
      const isOpen = operation.op === 'acquiring.finish' && operation.outcome.outcome === 'unknown';
      if (!isOpen || operation.outcome.unsent === undefined) return receive(self, asked);
      const { unsent: _, ...outcome } = operation.outcome;
      receive(self, { ...asked, operation: { ...operation, outcome } });
    }),

  /** A refund that is not let in again is decided anew: the calls before it are forgotten. */
  'call-forgotten': () => {
    const heard = patch<[Asked], void, Shard>(
      Shard.prototype,
      'receive',
      (receive) => (self, asked) => {
        const { operation } = asked;
        const isNo = operation.op === 'acquiring.finish' && operation.outcome.outcome === 'notDone';
        if (!isNo || operation.step.call !== 'refund') return receive(self, asked);
        const step = { ...operation.step, attempt: { lastSentAt: null } };
        receive(self, { ...asked, operation: { ...operation, step } });
      },
    );
    const kept = patch<Apply, void, Shard>(
      Shard.prototype,
      'apply',
      (apply) =>
        (self, ...[cell, command, facts, cause]) =>
          apply(self, cell, command, facts.map(unattempted), cause),
    );
    return () => {
      heard();
      kept();
    };
  },
} as const satisfies Record<string, () => () => void>;

const AT_BANK = {
  hasBank: true,
  hasOperator: false,
  hasStatic: false,
  hasFlood: false,
  hasSticker: false,
  hasTimer: false,
  operations: 100,
} as const;

/** Whoever waits in vain waits long. */
const IMPATIENT = { operations: 40, quietRoundsMax: 12 } as const;

/** A bank that refuses much, where people deal with it. */
export const REFUSING = {
  faults: ['bank.refundRefused', 'bank.answerLost', 'bank.refundFailed', 'desk.crash'],
  given: { ...AT_BANK, operations: 400, stormMs: MINUTE_MS },
} as const;

type Found = { readonly [name in keyof typeof BANK_BUGS]: RegExp };
type Haunts = {
  readonly [name in keyof typeof BANK_BUGS]: Pick<RunOptions, 'faults' | 'given'>;
};

export const BANK_HAUNTS: Haunts = {
  'call-not-kept': { faults: ['bank.answerLost', 'bank.late'], given: AT_BANK },
  'call-before-durable': { faults: ['append.failed', 'bank.answerLost'], given: AT_BANK },
  'question-skipped': { faults: ['bank.answerLost', 'bank.late'], given: AT_BANK },
  'look-unheard': { faults: [], given: { ...AT_BANK, ...IMPATIENT } },
  'refund-unasked': { faults: [], given: { ...AT_BANK, ...IMPATIENT } },
  'refund-guessed': { faults: ['bank.lost'], given: { ...AT_BANK, operations: 200 } },
  'under-way-unsaid': {
    faults: ['bank.refundFailed'],
    given: { ...AT_BANK, ...IMPATIENT, operations: 200 },
  },
  'wait-begun-anew': { faults: ['bank.lost'], given: AT_BANK },
  'call-forgotten': {
    faults: ['bank.answerLost', 'bank.shut'],
    given: { ...AT_BANK, operations: 150 },
  },
};

export const BANK_BUGS_FOUND_BY: Found = {
  'call-not-kept': /the bank has|not settled here|more by hand here/,
  'call-before-durable': /the bank has/,
  'question-skipped': /the bank has/,
  'look-unheard': /come to no end/,
  'refund-unasked': /come to no end/,
  'refund-guessed': /settled and 0 rejected here/,
  'under-way-unsaid': /given back here|settled and 0 rejected here|come to no end/,
  'wait-begun-anew': /come to no end/,
  'call-forgotten': /the bank has|not settled here|more by hand here/,
};

function unasked(fact: BillFact): BillFact {
  if (fact.type !== 'AcquiringKept') return fact;
  const { record, ...acquiring } = fact.acquiring;
  const refunds = record.refunds.filter(({ status }) => status !== 'asked');
  return { ...fact, acquiring: { ...acquiring, record: { ...record, refunds } } };
}

function unattempted(fact: BillFact): BillFact {
  if (fact.type !== 'AcquiringKept') return fact;
  const { record, ...acquiring } = fact.acquiring;
  const refunds = record.refunds.map((order) => ({ ...order, attempts: 0 }));
  return { ...fact, acquiring: { ...acquiring, record: { ...record, refunds } } };
}
