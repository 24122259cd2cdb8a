// Requests that no client makes by mistake: what splits, smuggles, never ends or never begins.

import type { Choices } from '../choices.ts';
import { mutated, someBytes } from '../mutations.ts';
import { promise } from '../target.ts';
import { RawConnection } from './raw-connection.ts';
import { CANARY, type Siege } from './siege.ts';

const HIDDEN = `GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: smuggled\r\n\r\n`;
const POST = 'POST /v1/terminal/bills HTTP/1.1\r\nHost: x\r\n';

/** Each hides a second request in a first one that two readers may end at different places. */
function smuggled(authorization: string): Readonly<Record<string, string>> {
  const post = `${POST}${authorization}`;
  const chunked = 'Transfer-Encoding: chunked\r\n';
  const length = (bytes: number | string): string => `Content-Length: ${bytes}\r\n`;
  return {
    'a length and chunks': `${post}${length(5)}${chunked}\r\n0\r\n\r\n${HIDDEN}`,
    'chunks and a length': `${post}${chunked}${length(HIDDEN.length + 5)}\r\n0\r\n\r\n${HIDDEN}`,
    // Two different lengths are missing here: uWebSockets.js goes by the first one and says nothing of the second.
    'two lengths the other way': `${post}${length(HIDDEN.length)}${length(0)}\r\n${HIDDEN}`,
    'a list of lengths': `${post}Content-Length: 0, ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
    'a length with a sign': `${post}${length(`+${HIDDEN.length}`)}\r\n${HIDDEN}`,
    'a length below 0': `${post}${length(-1)}\r\n${HIDDEN}`,
    'a length in hexadecimal': `${post}${length('0x10')}\r\n${HIDDEN}`,
    'a length of 2^64': `${post}${length('18446744073709551616')}\r\n${HIDDEN}`,
    'a length with a space before its colon': `${post}Content-Length : ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
    'a folded header': `${post}X-A: b\r\n Content-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
    'chunks by another spelling': `${post}Transfer-Encoding: xchunked\r\n${length(4)}\r\n0\r\n\r\n${HIDDEN}`,
    'chunks behind a tab': `${post}Transfer-Encoding:\tchunked\r\n${length(4)}\r\n0\r\n\r\n${HIDDEN}`,
    'a chunk of negative size': `${post}${chunked}\r\n-1\r\n\r\n${HIDDEN}`,
    'a chunk of huge size': `${post}${chunked}\r\nffffffffffffffff1\r\n\r\n${HIDDEN}`,
    'a chunk whose size is a word': `${post}${chunked}\r\nzz\r\n\r\n${HIDDEN}`,
    'a body behind GET': `GET /healthz HTTP/1.1\r\nHost: x\r\n${length(HIDDEN.length)}\r\n${HIDDEN}`,
  };
}

const MALFORMED: Readonly<Record<string, string>> = {
  'no HTTP': 'GARBAGE\r\n\r\n',
  'line feeds alone': 'GET /healthz HTTP/1.1\nHost: x\n\n',
  'HTTP/0.9': 'GET /healthz\r\n\r\n',
  'HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  TLS: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'an absolute address': 'GET http://other.example/healthz HTTP/1.1\r\nHost: x\r\n\r\n',
  'an address without a slash': 'GET healthz HTTP/1.1\r\nHost: x\r\n\r\n',
  'a space in the address': 'GET /health z HTTP/1.1\r\nHost: x\r\n\r\n',
  'bytes above 127 in the address': 'GET /\xff\xfe\x80 HTTP/1.1\r\nHost: x\r\n\r\n',
  'NUL in a header': 'GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: a\0b\r\n\r\n',
  'a header without a name': 'GET /healthz HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n',
  'a header without a colon': 'GET /healthz HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n',
  'no host': 'GET /healthz HTTP/1.1\r\n\r\n',
  'an invented method': 'FROBNICATE /healthz HTTP/1.1\r\nHost: x\r\n\r\n',
  'a method of 5,000 letters': `${'A'.repeat(5_000)} / HTTP/1.1\r\n\r\n`,
  'an address of 60 KB': `GET /${'x'.repeat(60_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
  'a header of 60 KB': `GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ${'x'.repeat(60_000)}\r\n\r\n`,
  '300 headers': `GET /healthz HTTP/1.1\r\nHost: x\r\n${'X-A: b\r\n'.repeat(300)}\r\n`,
  'garbage after a request': 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n\0\x01\x02\xff\r\n\r\n',
  CONNECT: 'CONNECT other.example:443 HTTP/1.1\r\nHost: x\r\n\r\n',
  'an upgrade to nothing':
    'GET /healthz HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n',
};

/** How long it may take to be refused: it is either wrong at once, or waited for until the connection is idle. */
const AT_ONCE_MS = 300;

/** The hidden request of each is never answered, and no answer is one of ours going wrong. */
export async function smuggling(siege: Siege): Promise<void> {
  const authorization = `Authorization: Bearer ${siege.institution.terminal.key}\r\n`;
  for (const [what, bytes] of Object.entries(smuggled(authorization))) {
    await survive(siege, `smuggling: ${what}`, bytes);
  }
}

export async function malformed(siege: Siege): Promise<void> {
  for (const [what, bytes] of Object.entries(MALFORMED)) await survive(siege, what, bytes);
}

async function survive(siege: Siege, what: string, bytes: string): Promise<void> {
  siege.count('malformed requests');
  const connection = await RawConnection.open(siege.port);
  connection.send(bytes);
  for (;;) {
    const answer = await connection.answer({ withinMs: AT_ONCE_MS });
    if (typeof answer === 'string') break;
    promise(
      answer.status < 500 || answer.status === 505,
      `${what} was answered ${answer.status}`,
      bytes,
    );
    promise(
      answer.headers.get('x-request-id') !== 'smuggled',
      `${what}: the hidden was heard`,
      bytes,
    );
  }
  connection.cut();
}

/** A request that was right, with bytes changed; or just bytes. */
export async function spoiltRequest(siege: Siege, choices: Choices): Promise<void> {
  siege.count('bytes that are hardly HTTP');
  const body = `{"orderId":"spoilt","amount":1000,"currency":"EUR","description":"${CANARY}"}`;
  // Its key is nobody's, so that nothing comes of what happens to be right.
  const whole = `${POST}Authorization: Bearer ${CANARY}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const bytes = choices.chance(0.2)
    ? someBytes(choices, 200)
    : mutated(choices, Buffer.from(whole));
  const connection = await RawConnection.open(siege.port);
  await connection.flush(bytes);
  if (choices.chance(0.5)) {
    const answer = await connection.answer({ withinMs: 20 });
    if (typeof answer !== 'string')
      promise(answer.status < 500, `answered ${answer.status}`, bytes);
  }
  if (choices.chance(0.5)) connection.cut();
  else connection.end();
}

/** Bodies far beyond the bound: refused by what they announce, and cut where they announce nothing. */
export async function hugeBodies(siege: Siege, megabytes: number): Promise<void> {
  const authorization = `Authorization: Bearer ${siege.institution.terminal.key}\r\n`;
  const total = megabytes * 1_048_576;
  const chunk = Buffer.alloc(262_144, 0x20);
  const framed = Buffer.concat([Buffer.from('40000\r\n'), chunk, Buffer.from('\r\n')]);
  for (const [how, piece] of [
    [`Content-Length: ${total}`, chunk],
    ['Transfer-Encoding: chunked', framed],
  ] as const) {
    siege.count('huge bodies');
    const connection = await RawConnection.open(siege.port);
    connection.send(`${POST}${authorization}Content-Type: application/json\r\n${how}\r\n\r\n`);
    let sent = 0;
    while (sent < total && !connection.isClosed) {
      await Promise.race([connection.flush(piece), connection.closed(5_000)]);
      sent += piece.length;
    }
    promise(await connection.closed(15_000), `${megabytes} MB by ${how} were all taken`, sent);
  }
}

/** Wrong keys, each a new one, so that each is looked up. */
export async function wrongKeys(siege: Siege, count: number): Promise<void> {
  const connection = await RawConnection.open(siege.port);
  for (let i = 0; i < count; i++) {
    siege.count('wrong keys');
    connection.send(
      `GET /v1/terminal/bills HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${CANARY}-wrong-${i}\r\n\r\n`,
    );
    const answer = await connection.answer();
    promise(typeof answer !== 'string' && answer.status === 401, 'a wrong key was not refused', i);
  }
  connection.end();
}

/** Connections that say a letter now and then. Resolves with them once all are open; each is cut when it is idle. */
export async function slowSockets(siege: Siege, count: number): Promise<RawConnection[]> {
  const sockets: RawConnection[] = [];
  for (let i = 0; i < count; i++) {
    siege.count('slow connections');
    const socket = await RawConnection.open(siege.port);
    const head = `${POST}Authorization: Bearer ${siege.institution.terminal.key}\r\n`;
    socket.send(
      i % 3 === 0 ? '' : i % 3 === 1 ? head.slice(0, 30) : `${head}Content-Length: 50000\r\n\r\n{`,
    );
    sockets.push(socket);
  }
  return sockets;
}
