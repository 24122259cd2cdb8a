// From what a client sent to what a shard is asked. The body has been read (JSON or msgpack) and carries the names that
// stand in the path over HTTP; out comes a valid operation with its shard, or a problem that names the field: at once, but
// where the code of a loaded driver's format is to be made or read.

import type { Principal } from '../../switch/principal.ts';
import { withMissingAmount } from '../new-bill.ts';
import { invalid } from '../problem-document.ts';
import { violationsOf } from '../schemas/validation.ts';
import type { Read, ReadersOf, ReadingContext, SingleOperation } from './addressing.ts';
import { deskReaders } from './desk-operations.ts';
import { paychannelReaders } from './paychannel-operations.ts';
import { terminalReaders } from './terminal-operations.ts';

const readers: ReadersOf<SingleOperation> = {
  ...terminalReaders,
  ...paychannelReaders,
  ...deskReaders,
};

/** Reads one operation. Problems are values; nothing here throws for what a client may send. */
export function readOperation(
  name: SingleOperation,
  body: unknown,
  principal: Principal,
  context: ReadingContext,
): Read | Promise<Read> {
  const violations = violationsOf(name, body);
  if (violations !== undefined) {
    const all = name === 'bill.create' ? withMissingAmount(body, violations) : violations;
    return invalid(all);
  }
  return readers[name](body, principal, context);
}
