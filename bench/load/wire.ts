// What the load generator says and how it reads the answers: text of one byte a character, for JSON and msgpack alike.
//
// The generator runs on the cores that it measures, so it must be cheap: requests are joined from templates, and
// answers are searched for the members that are checked. One lifecycle in DEEP_EVERY is decoded whole as well.

import { unpack } from 'msgpackr';

/** A member of an answer, found by its name from a place on; `-1` or `''` where there is none. */
export interface Wire {
  readonly subprotocol: 'qrswitch.json' | 'qrswitch.msgpack';
  /** RFC 6455: 1 text, 2 binary. */
  readonly opcode: 1 | 2;
  /** `expiresIn`: in seconds, where it is not to be what the switch gives. */
  create(id: number, orderId: string, amount: number, expiresIn?: number): string;
  view(id: number, billId: string): string;
  pay(id: number, billId: string, paymentRef: string, amount: number): string;
  acknowledge(id: number, eventId: string): string;
  confirm(id: number, billId: string): string;
  isEvent(text: string): boolean;
  /** Where the named member's value stands; -1 where there is none at or after `from`. */
  find(text: string, name: string, from: number): number;
  numberAt(text: string, at: number): number;
  textAt(text: string, at: number): string;
  isTrueAt(text: string, at: number): boolean;
  decode(text: string): unknown;
}

const DESCRIPTION = 'Two coffees and a slice of cake, table 7';
const CURRENCY = 'EUR';

/** The body of a create as JSON: HTTP sends it bare. */
export function createBody(orderId: string, amount: number, expiresIn?: number): string {
  const more = expiresIn === undefined ? '' : `,"expiresIn":${expiresIn}`;
  return `{"orderId":"${orderId}","amount":${amount},"currency":"${CURRENCY}","description":"${DESCRIPTION}"${more}}`;
}

export function payBody(paymentRef: string, amount: number): string {
  return `{"paymentRef":"${paymentRef}","amount":${amount},"currency":"${CURRENCY}","method":"account"}`;
}

export const jsonWire: Wire = {
  subprotocol: 'qrswitch.json',
  opcode: 1,
  create: (id, orderId, amount, expiresIn) =>
    `{"id":${id},"op":"bill.create","body":${createBody(orderId, amount, expiresIn)}}`,
  view: (id, billId) => `{"id":${id},"op":"bill.view","body":{"billId":"${billId}"}}`,
  pay: (id, billId, paymentRef, amount) =>
    `{"id":${id},"op":"payment.create","body":{"billId":"${billId}",${payBody(paymentRef, amount).slice(1)}}`,
  acknowledge: (id, eventId) => `{"id":${id},"op":"event.ack","body":{"ids":["${eventId}"]}}`,
  confirm: (id, billId) => `{"id":${id},"op":"bill.confirm","body":{"billId":"${billId}"}}`,
  isEvent: (text) => text.startsWith('{"event":'),
  find(text, name, from) {
    const at = text.indexOf(jsonName(name), from);
    return at < 0 ? -1 : at + name.length + 3;
  },
  numberAt(text, at) {
    let value = 0;
    let i = at;
    for (; ; i++) {
      const digit = text.charCodeAt(i) - 48;
      if (!(digit >= 0 && digit <= 9)) break;
      value = value * 10 + digit;
    }
    return at < 0 || i === at ? -1 : value;
  },
  textAt(text, at) {
    return at < 0 || text.charCodeAt(at) !== QUOTE
      ? ''
      : text.slice(at + 1, text.indexOf('"', at + 1));
  },
  isTrueAt: (text, at) => at >= 0 && text.startsWith('true', at),
  decode: (text) => JSON.parse(Buffer.from(text, 'latin1').toString('utf8')),
};

const QUOTE = 0x22;

// Names are few: their written forms are kept.
const jsonNames = new Map<string, string>();

function jsonName(name: string): string {
  let written = jsonNames.get(name);
  if (written === undefined) {
    written = `"${name}":`;
    jsonNames.set(name, written);
  }
  return written;
}

const msgpackNames = new Map<string, string>();

function msgpackName(name: string): string {
  let written = msgpackNames.get(name);
  if (written === undefined) {
    written = packText(name);
    msgpackNames.set(name, written);
  }
  return written;
}

/** A string of ASCII, shorter than 256. */
export function packText(text: string): string {
  return text.length < 32
    ? String.fromCharCode(0xa0 | text.length) + text
    : String.fromCharCode(0xd9, text.length) + text;
}

/** An integer from 0 to 2^32 - 1. */
export function packInteger(value: number): string {
  if (value < 0x80) return String.fromCharCode(value);
  if (value < 0x1_0000) return String.fromCharCode(0xcd, value >>> 8, value & 0xff);
  return String.fromCharCode(
    0xce,
    value >>> 24,
    (value >>> 16) & 0xff,
    (value >>> 8) & 0xff,
    value & 0xff,
  );
}

/** The start of `{ id, op, body }`, up to where the body's value begins. */
function packedHead(op: string): (id: number) => string {
  const before = `\x83${packText('id')}`;
  const after = packText('op') + packText(op) + packText('body');
  return (id) => before + packInteger(id) + after;
}

const heads = {
  create: packedHead('bill.create'),
  view: packedHead('bill.view'),
  pay: packedHead('payment.create'),
  acknowledge: packedHead('event.ack'),
  confirm: packedHead('bill.confirm'),
};
const CREATE_TAIL =
  packText('currency') + packText(CURRENCY) + packText('description') + packText(DESCRIPTION);
const PAY_TAIL =
  packText('currency') + packText(CURRENCY) + packText('method') + packText('account');
const ORDER_ID = packText('orderId');
const AMOUNT = packText('amount');
const BILL_ID = packText('billId');
const PAYMENT_REF = packText('paymentRef');
const IDS = packText('ids');
const EXPIRES_IN = packText('expiresIn');

export const msgpackWire: Wire = {
  subprotocol: 'qrswitch.msgpack',
  opcode: 2,
  create(id, orderId, amount, expiresIn) {
    const order = `${ORDER_ID}${packText(orderId)}${AMOUNT}${packInteger(amount)}${CREATE_TAIL}`;
    const head = heads.create(id);
    if (expiresIn === undefined) return `${head}\x84${order}`;
    return `${head}\x85${order}${EXPIRES_IN}${packInteger(expiresIn)}`;
  },
  view: (id, billId) => `${heads.view(id)}\x81${BILL_ID}${packText(billId)}`,
  pay: (id, billId, paymentRef, amount) =>
    `${heads.pay(id)}\x85${BILL_ID}${packText(billId)}${PAYMENT_REF}${packText(paymentRef)}${AMOUNT}${packInteger(amount)}${PAY_TAIL}`,
  acknowledge: (id, eventId) => `${heads.acknowledge(id)}\x81${IDS}\x91${packText(eventId)}`,
  confirm: (id, billId) => `${heads.confirm(id)}\x81${BILL_ID}${packText(billId)}`,
  isEvent: (text) => text.startsWith('\x81\xa5event'),
  find(text, name, from) {
    const at = text.indexOf(msgpackName(name), from);
    return at < 0 ? -1 : at + msgpackName(name).length;
  },
  numberAt(text, at) {
    if (at < 0) return -1;
    const kind = text.charCodeAt(at);
    if (kind < 0x80) return kind;
    const width = [1, 2, 4, 8][kind - 0xcc];
    if (width === undefined) return -1;
    let value = 0;
    for (let i = 1; i <= width; i++) value = value * 256 + text.charCodeAt(at + i);
    return value;
  },
  textAt(text, at) {
    if (at < 0) return '';
    const kind = text.charCodeAt(at);
    if (kind >> 5 === 5) return text.slice(at + 1, at + 1 + (kind & 31));
    return kind === 0xd9 ? text.slice(at + 2, at + 2 + text.charCodeAt(at + 1)) : '';
  },
  isTrueAt: (text, at) => at >= 0 && text.charCodeAt(at) === 0xc3,
  decode: (text) => unpack(Buffer.from(text, 'latin1')),
};
