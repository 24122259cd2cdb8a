// What a WebSocket may be sent that is no message: wrong frames, frames too soon, too large, too many.

import type { Choices } from '../choices.ts';
import { mutated } from '../mutations.ts';
import { promise } from '../target.ts';
import {
  type FrameOptions,
  frameBytes,
  OPCODE,
  RawStream,
  type StreamOptions,
} from './raw-stream.ts';
import { CANARY, type Siege } from './siege.ts';

const PING = Buffer.from('{"id":1,"op":"ping"}');

/** Each breaks RFC 6455 or our own bounds, so the connection ends. */
const FATAL: Readonly<Record<string, readonly (readonly [Uint8Array, FrameOptions])[]>> = {
  'a reserved bit': [[PING, { reserved: 4 }]],
  'all reserved bits': [[PING, { reserved: 7 }]],
  'an opcode of nobody': [[PING, { opcode: 3 }]],
  'a control opcode of nobody': [[PING, { opcode: 11 }]],
  'a ping of 126 bytes': [[Buffer.alloc(126), { opcode: OPCODE.ping }]],
  'a close of 200 bytes': [[Buffer.alloc(200), { opcode: OPCODE.close }]],
  'a ping in pieces': [[Buffer.alloc(5), { opcode: OPCODE.ping, isFinal: false }]],
  'more of nothing': [[PING, { opcode: OPCODE.more }]],
  'a text within a text': [
    [PING.subarray(0, 5), { isFinal: false }],
    [PING, {}],
  ],
  'text that is no UTF-8': [[Buffer.of(0x22, 0xff, 0xfe, 0x22), {}]],
  'a length of 2^40': [[PING, { length: 2n ** 40n }]],
  'a length of 2^63': [[PING, { length: 2n ** 63n }]],
  'a message of 300 KB': [[Buffer.alloc(300_000, 0x20), {}]],
  'a close': [[Buffer.of(0x03, 0xe8), { opcode: OPCODE.close }]],
  'a close with a code of nobody': [[Buffer.of(0xff, 0xff), { opcode: OPCODE.close }]],
  'a close of one byte': [[Buffer.of(3), { opcode: OPCODE.close }]],
};

export async function wrongFrames(siege: Siege): Promise<void> {
  for (const [what, frames] of Object.entries(FATAL)) {
    siege.count('wrong frames');
    const stream = await open(siege);
    for (const [payload, options] of frames) stream.send(frameBytes(payload, options));
    promise(await stream.connection.closed(5_000), `${what} did not end the stream`, what);
  }
  await unmasked(siege);
  await largestFrames(siege);
}

/** Clients must mask; some servers take it without. Whichever: an answer or an end, and nothing else. */
async function unmasked(siege: Siege): Promise<void> {
  siege.count('wrong frames');
  const stream = await open(siege);
  stream.send(frameBytes(PING, { isMasked: false }));
  const message = await stream.message(2_000);
  promise(
    message === 'closed' || message === 'silent' || typeof message === 'object',
    'odd',
    message,
  );
  stream.connection.cut();
}

/** Beyond the largest frame that is read, but not beyond what is taken: answered, and counted as garbage. */
async function largestFrames(siege: Siege): Promise<void> {
  const stream = await open(siege);
  for (let i = 0; i < 9; i++) {
    siege.count('wrong frames');
    stream.say(Buffer.alloc(200_000, 0x20));
    const message = await stream.message();
    promise(
      typeof message === 'object' && message.status === 413,
      'a huge frame was taken',
      message,
    );
  }
  stream.say(PING);
  const message = await stream.message();
  promise(typeof message === 'object' && message.status === 200, 'the stream is gone', message);
  stream.connection.end();
}

/** Frames before anybody knows who is there. */
export async function strangersFrames(siege: Siege): Promise<void> {
  const first: readonly unknown[] = [
    { id: 1, op: 'ping' },
    { id: 1, op: 'bill.create', body: { orderId: 'stranger', amount: 1, currency: 'EUR' } },
    { op: 'auth' },
    { op: 'auth', body: { key: '' } },
    { op: 'auth', body: { key: 7 } },
    { op: 'auth', body: { key: `${CANARY}-wrong` } },
    { op: 'auth', body: { key: CANARY.repeat(4_000) } },
    { op: 'auth', body: { key: siege.institution.paychannel.key } },
  ];
  for (const frame of first) {
    siege.count('frames of strangers');
    const stream = await open(siege, { key: null });
    stream.say(Buffer.from(JSON.stringify(frame)));
    const answer = await stream.message();
    const status = typeof answer === 'string' ? 401 : Number(answer.status);
    promise(status === 400 || status === 401 || status === 403, 'a stranger was let in', [
      frame,
      answer,
    ]);
    promise(await stream.connection.closed(5_000), 'a stranger stays', frame);
  }
}

/** More pings than anybody needs, and messages in a great many pieces. */
export async function floods(siege: Siege, count: number): Promise<void> {
  const stream = await open(siege);
  const ping = frameBytes(Buffer.from('?'), { opcode: OPCODE.ping });
  stream.send(Buffer.concat(Array.from({ length: count }, () => ping)));
  siege.count('pings', count);
  const pieces = [...PING].map((byte, i) =>
    frameBytes(Buffer.of(byte), {
      opcode: i === 0 ? OPCODE.text : OPCODE.more,
      isFinal: i === PING.length - 1,
    }),
  );
  stream.send(Buffer.concat(pieces));
  const answer = await stream.message();
  promise(typeof answer === 'object' && answer.status === 200, 'the stream is gone', answer);
  stream.connection.end();
}

/** The bytes of right frames with something changed, header and mask included. */
export async function spoiltFrames(siege: Siege, choices: Choices): Promise<void> {
  siege.count('bytes that are hardly frames');
  const stream = await open(siege, { encoding: choices.pick(['json', 'msgpack']) });
  const frames = Array.from({ length: choices.between(1, 5) }, () => frameBytes(PING));
  await stream.connection.flush(mutated(choices, Buffer.concat(frames)));
  if (choices.chance(0.5)) await stream.connection.bytes(20);
  stream.connection.cut();
}

function open(siege: Siege, given: Partial<StreamOptions> = {}): Promise<RawStream> {
  const { port, institution } = siege;
  const { key } = institution.terminal;
  return RawStream.open({ port, api: 'terminal', encoding: 'json', key, ...given });
}
