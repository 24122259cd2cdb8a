// The ways by which lifecycles reach the switch: WebSockets for all, or HTTP calls with one WebSocket a terminal for the
// events alone.

import { type HttpLink, openHttp, openWebSocket, type WebSocketLink } from './connections.ts';
import type { DoorTask } from './messages.ts';
import { createBody, jsonWire, msgpackWire, payBody, type Wire } from './wire.ts';

export const STEPS = ['create', 'view', 'pay', 'acknowledge', 'confirm'] as const;
export type Step = (typeof STEPS)[number];

const HOST = '127.0.0.1';
/** Room for the number of the step in the id of a request. */
const STEP_ROOM = 8;

export interface Receiver {
  /** `bodyAt`: where the answer's body begins in the text. */
  answered(slot: number, step: Step, status: number, text: string, bodyAt: number): void;
  event(text: string): void;
  lost(why: Error): void;
}

/** Sends the calls of a slot's lifecycle: slot `n` is a sale at terminal `n` modulo their number. */
export interface Door {
  readonly wire: Wire;
  create(slot: number, orderId: string, amount: number, expiresIn?: number): void;
  view(slot: number, billId: string): void;
  pay(slot: number, billId: string, paymentRef: string, amount: number): void;
  acknowledge(slot: number, eventId: string): void;
  confirm(slot: number, billId: string): void;
  close(): void;
}

export function openDoor(task: DoorTask, receiver: Receiver): Promise<Door> {
  return task.protocol === 'http' ? openHttpDoor(task, receiver) : openSocketDoor(task, receiver);
}

async function openSocketDoor(task: DoorTask, receiver: Receiver): Promise<Door> {
  const wire = task.protocol === 'ws-json' ? jsonWire : msgpackWire;
  const onMessage = (text: string): void => {
    if (wire.isEvent(text)) {
      receiver.event(text);
      return;
    }
    const idAt = wire.find(text, 'id', 0);
    const id = wire.numberAt(text, idAt);
    const statusAt = wire.find(text, 'status', idAt);
    const bodyAt = wire.find(text, 'body', statusAt);
    const step = STEPS[id % STEP_ROOM];
    if (id < 0 || step === undefined || bodyAt < 0) {
      receiver.lost(new Error(`not an answer: ${text.slice(0, 300)}`));
      return;
    }
    const slot = Math.floor(id / STEP_ROOM);
    receiver.answered(slot, step, wire.numberAt(text, statusAt), text, bodyAt);
  };
  const open = (api: 'terminal' | 'paychannel', key: string): Promise<WebSocketLink> =>
    openWebSocket({
      host: HOST,
      port: task.port,
      path: `/v1/${api}/stream`,
      key,
      subprotocol: wire.subprotocol,
      opcode: wire.opcode,
      onMessage,
      onLost: (why) => receiver.lost(why),
    });
  const terminals = await opened(task.terminals, ({ key }) => open('terminal', key));
  const wallets = await opened(Array.from({ length: task.walletConnections }), () =>
    open('paychannel', task.wallet.key),
  );
  const terminal = (slot: number): WebSocketLink => at(terminals, slot);
  const wallet = (slot: number): WebSocketLink => at(wallets, slot);
  const id = (slot: number, step: Step): number => slot * STEP_ROOM + STEPS.indexOf(step);
  return {
    wire,
    create: (slot, orderId, amount, expiresIn) =>
      terminal(slot).send(wire.create(id(slot, 'create'), orderId, amount, expiresIn)),
    view: (slot, billId) => wallet(slot).send(wire.view(id(slot, 'view'), billId)),
    pay: (slot, billId, ref, amount) =>
      wallet(slot).send(wire.pay(id(slot, 'pay'), billId, ref, amount)),
    acknowledge: (slot, eventId) =>
      terminal(slot).send(wire.acknowledge(id(slot, 'acknowledge'), eventId)),
    confirm: (slot, billId) => terminal(slot).send(wire.confirm(id(slot, 'confirm'), billId)),
    close() {
      for (const link of [...terminals, ...wallets]) link.close();
    },
  };
}

/** Each slot has two kept connections, one of its terminal and one of the wallet. */
async function openHttpDoor(task: DoorTask, receiver: Receiver): Promise<Door> {
  const slots = Array.from({ length: task.concurrency }, (_, slot) => slot);
  const open = (key: string): Promise<HttpLink> =>
    openHttp({ host: HOST, port: task.port, key, onLost: (why) => receiver.lost(why) });
  const streams = await opened(task.terminals, ({ key }) =>
    openWebSocket({
      host: HOST,
      port: task.port,
      path: '/v1/terminal/stream',
      key,
      subprotocol: jsonWire.subprotocol,
      opcode: jsonWire.opcode,
      onMessage: (text) => receiver.event(text),
      onLost: (why) => receiver.lost(why),
    }),
  );
  const terminals = await opened(slots, (slot) => open(at(task.terminals, slot).key));
  const wallets = await opened(slots, () => open(task.wallet.key));
  const answer = (slot: number, step: Step) => (status: number, body: string) =>
    receiver.answered(slot, step, status, body, 0);
  const handlers = slots.map((slot) => ({
    create: answer(slot, 'create'),
    view: answer(slot, 'view'),
    pay: answer(slot, 'pay'),
    acknowledge: answer(slot, 'acknowledge'),
    confirm: answer(slot, 'confirm'),
  }));
  const of = (slot: number) => at(handlers, slot);
  return {
    wire: jsonWire,
    create: (slot, orderId, amount, expiresIn) =>
      at(terminals, slot).post(
        '/v1/terminal/bills',
        createBody(orderId, amount, expiresIn),
        of(slot).create,
      ),
    view: (slot, billId) => at(wallets, slot).get(`/v1/paychannel/bills/${billId}`, of(slot).view),
    pay: (slot, billId, ref, amount) =>
      at(wallets, slot).post(
        `/v1/paychannel/bills/${billId}/payments`,
        payBody(ref, amount),
        of(slot).pay,
      ),
    acknowledge: (slot, eventId) =>
      at(terminals, slot).post(
        '/v1/terminal/events/ack',
        `{"ids":["${eventId}"]}`,
        of(slot).acknowledge,
      ),
    confirm: (slot, billId) =>
      at(terminals, slot).post(`/v1/terminal/bills/${billId}/confirm`, '{}', of(slot).confirm),
    close() {
      for (const link of [...streams, ...terminals, ...wallets]) link.close();
    },
  };
}

/** Opens one after the other: a server's queue of new connections is short. */
async function opened<In, Link>(
  all: readonly In[],
  open: (one: In) => Promise<Link>,
): Promise<Link[]> {
  const links: Link[] = [];
  for (const one of all) links.push(await open(one));
  return links;
}

function at<T>(all: readonly T[], index: number): T {
  const one = all[index % all.length];
  if (one === undefined) throw new Error('nothing was opened');
  return one;
}
