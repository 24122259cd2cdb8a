// What became of a bill, as its transitions tell it, in the words of the API.

import type { FoundTransition } from '../switch/archive.ts';
import type { Shape } from './shape-parts.ts';
import { formatTime } from './wire-time.ts';

/** Commands whose operation goes by other words. */
const CALLS: Readonly<Record<string, string>> = {
  AcknowledgeEvents: 'event.ack',
  ArmSticker: 'bill.arm',
  AttachReceipt: 'bill.receipt',
  EndArming: 'bill.arm',
  PayBill: 'payment.create',
  ReleaseReservation: 'bill.release',
  RunTimer: 'timer',
};

export function transitionShape(transition: FoundTransition): Shape {
  const { at, type, actor, requestId, outcome, version } = transition;
  const [kind = '', ...id] = actor.split(':');
  return {
    at: formatTime(at),
    call: CALLS[type] ?? callOf(type),
    actor: { kind, id: id.join(':') },
    requestId,
    outcome: outcomeOf(outcome),
    version,
  };
}

/** `ConfirmBill`: `bill.confirm`. */
function callOf(command: string): string {
  const [, verb = '', noun = ''] = /^([A-Z][a-z]*)([A-Z].*)$/.exec(command) ?? [];
  return noun === '' ? command : `${lowered(noun)}.${lowered(verb)}`;
}

/** `BillConfirmed`: `bill.confirmed`. A recorded refusal is a code as it stands. */
function outcomeOf(outcome: string): string {
  const [, noun = '', verb = ''] = /^([A-Z][a-z]*)([A-Z].*)$/.exec(outcome) ?? [];
  return noun === '' ? outcome : `${lowered(noun)}.${lowered(verb)}`;
}

function lowered(word: string): string {
  return word.slice(0, 1).toLowerCase() + word.slice(1);
}
