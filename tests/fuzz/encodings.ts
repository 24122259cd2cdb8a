// The readers of frames and bodies: msgpack against a second reader of it, and JSON against msgpack.

import { isDeepStrictEqual } from 'node:util';
import { Unpackr } from 'msgpackr';
import type { Json } from '../../src/domain/bill/vocabulary.ts';
import { readJson } from '../../src/protocols/gateway/exchange.ts';
import { readFrame } from '../../src/protocols/gateway/frame-reader.ts';
import { MsgpackRefusal, unpack } from '../../src/protocols/msgpack.ts';
import { LIMITS } from '../../src/protocols/schemas/scalars.ts';
import { nearlyFittingBody } from './bodies.ts';
import type { Choices } from './choices.ts';
import { mutated, someBytes } from './mutations.ts';
import { depthOf, type Odd, oddValue } from './odd-values.ts';
import { NAMES } from './operations.ts';
import { jsonFault, promise, type Target } from './target.ts';
import { jsonText, msgpackBytes } from './writers.ts';

const DEPTH = 20;
/** Knows nothing of our rules, and takes more; but what both take, both must read alike. */
const second = new Unpackr({
  useRecords: false,
  mapsAsObjects: true,
  int64AsType: 'auto' as 'number',
});

/** Ours is the stricter reader: it refuses, or reads what the other reads. */
function readMsgpack(bytes: Buffer): Json | 'refused' {
  let value: Json;
  try {
    value = unpack(bytes, DEPTH);
  } catch (error) {
    if (error instanceof MsgpackRefusal) return 'refused';
    throw error;
  }
  const fault = jsonFault(value, DEPTH);
  promise(fault === undefined, `msgpack was read into what is no JSON (${fault})`, bytes);
  let other: unknown;
  try {
    other = second.unpack(bytes);
  } catch (error) {
    promise(false, `msgpackr refuses what was taken (${String(error)})`, bytes);
  }
  promise(isDeepStrictEqual(other, value), 'msgpackr reads something else', bytes);
  return value;
}

/** Whether a value can be said in JSON and kept, so that no reader may refuse it. */
function isPlain(value: Odd): boolean {
  const isWhole = (each: unknown): boolean =>
    typeof each !== 'number' || !Number.isInteger(each) || Number.isSafeInteger(each);
  const allWhole = (each: unknown): boolean =>
    each !== null && typeof each === 'object' ? Object.values(each).every(allWhole) : isWhole(each);
  return value !== undefined && jsonFault(value, DEPTH) === undefined && allWhole(value);
}

function frameOf(choices: Choices): Odd {
  if (choices.chance(0.1)) return oddValue(choices);
  const name = choices.pick(NAMES);
  const frame: Record<string, Odd> = {
    id: choices.chance(0.1) ? oddValue(choices) : choices.below(1_000),
    op: choices.chance(0.05) ? oddValue(choices) : name,
    body: choices.chance(0.05) ? oddValue(choices) : nearlyFittingBody(choices, name),
  };
  if (choices.chance(0.1)) frame.requestId = oddValue(choices);
  if (choices.chance(0.05)) frame.more = oddValue(choices);
  return frame;
}

function checkFrame(bytes: Buffer, encoding: 'json' | 'msgpack'): ReturnType<typeof readFrame> {
  const read = readFrame(bytes, encoding);
  if ('problem' in read) {
    const { code, errors } = read.problem;
    promise(
      code === 'body.tooLarge' || (code === 'request.invalid' && (errors?.length ?? 0) > 0),
      'a frame was refused without a reason',
      bytes,
    );
    return read;
  }
  const { frame } = read;
  const isObject = (value: unknown): boolean =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  promise(typeof frame.op === 'string' && isObject(frame.body), 'a frame has no op or body', bytes);
  return read;
}

export const encodingTargets: readonly Target[] = [
  {
    name: 'msgpack: any way to say a value',
    group: 'msgpack',
    run(choices) {
      const value = oddValue(choices);
      const bytes = msgpackBytes(choices, value);
      const read = readMsgpack(bytes);
      if (!isPlain(value)) return;
      promise(isDeepStrictEqual(read, value), 'msgpack was not read as it was written', bytes);
    },
  },
  {
    name: 'msgpack: with something wrong',
    group: 'msgpack',
    run(choices) {
      const start = choices.chance(0.1)
        ? someBytes(choices, 60)
        : msgpackBytes(choices, choices.chance(0.5) ? frameOf(choices) : oddValue(choices));
      const bytes = mutated(choices, start);
      readMsgpack(bytes);
      checkFrame(bytes, 'msgpack');
    },
  },
  {
    name: 'JSON: with something wrong',
    group: 'json',
    run(choices) {
      const bytes = mutated(choices, Buffer.from(jsonText(choices, frameOf(choices))));
      const read = readJson(bytes);
      if ('value' in read) {
        let other: unknown;
        try {
          other = JSON.parse(
            new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
          );
        } catch (error) {
          promise(false, `JSON was taken that is none (${String(error)})`, bytes);
        }
        promise(isDeepStrictEqual(read.value, other), 'JSON was read as something else', bytes);
      }
      checkFrame(bytes, 'json');
    },
  },
  {
    name: 'frames: the same in JSON and msgpack',
    group: 'json',
    run(choices) {
      const value = frameOf(choices);
      const text = Buffer.from(jsonText(choices, value));
      const json = checkFrame(text, 'json');
      const msgpack = checkFrame(msgpackBytes(choices, value), 'msgpack');
      // How deep the whole frame may be, and how long in bytes, are the encodings' own affairs.
      if (depthOf(value) > LIMITS.jsonDepth || text.length > LIMITS.bodyBytes / 2) return;
      // What is no text is garbage to msgpack, and to JSON where escapes say it.
      if (!isPlain(value)) return;
      promise(
        'frame' in json === 'frame' in msgpack,
        'one encoding is taken, not the other',
        value,
      );
      if (!('frame' in json && 'frame' in msgpack)) return;
      const clean = (frame: object): unknown => JSON.parse(JSON.stringify(frame));
      promise(
        isDeepStrictEqual(clean(json.frame), clean(msgpack.frame)),
        'JSON and msgpack say different things',
        value,
      );
    },
  },
];
