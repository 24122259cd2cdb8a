// A liar between the switch and Redis: it has Redis answer to an append as if the entry had been written, while nothing
// is. It proves that the audit sees an acknowledgement before anything is durable.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The script answers what append.lua would: taken, as the new entry. */
const LIE = 'return {1,ARGV[2]}';

export function forger(): (bytes: Buffer) => Buffer {
  // Where vitest or npm run a program, they run it from the project's folder.
  const script = readFileSync(join(process.cwd(), 'src/persistence/log/lua/append.lua'), 'utf8');
  const sha = createHash('sha1').update(script).digest('hex');
  const truth = Buffer.from(`$7\r\nEVALSHA\r\n$40\r\n${sha}\r\n`);
  const lie = Buffer.from(`$4\r\nEVAL\r\n$${LIE.length}\r\n${LIE}\r\n`);
  return (bytes) => {
    const parts: Buffer[] = [];
    let from = 0;
    for (let at = bytes.indexOf(truth); at >= 0; at = bytes.indexOf(truth, from)) {
      parts.push(bytes.subarray(from, at), lie);
      from = at + truth.length;
    }
    return from === 0 ? bytes : Buffer.concat([...parts, bytes.subarray(from)]);
  };
}
