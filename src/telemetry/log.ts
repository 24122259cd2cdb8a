// The log of a thread: one line of JSON a record, on standard output, written at once, so that a crash loses none of
// it. Keys, passwords and payers never reach it, wherever in a record they stand.

import {
  type DestinationStream,
  destination,
  type Logger as PinoLogger,
  pino,
  stdSerializers,
} from 'pino';

export type Logger = PinoLogger;

export interface LogOptions {
  readonly level: string;
  /** The node's name. */
  readonly node: string;
  /** Which thread speaks: `main`, `worker-2`, `gateway-1`. */
  readonly thread: string;
  /** Where lines go; standard output unless a test listens. */
  readonly to?: DestinationStream;
}

const HIDDEN = '[hidden]';
/** Fields that hold secrets or personal data, whatever record they stand in; compared without case, `-` and `_`. */
const SECRET =
  /^(authorization|proxyauthorization|cookie|setcookie|(api|access|private|idempotency)?keys?|keyhash|password|secret|token|payer)$/;
const BEARER = /\b(bearer)\s+[^\s"',]+/gi;
const URL_PASSWORD = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:)[^\s/@]+@/gi;
/** Records are shallow; what is deeper is cut off rather than walked. */
const DEPTH_MAX = 6;

/** Opens a thread's log. Writing is synchronous: a record costs a system call, and none is lost with the process. */
export function openLog(options: LogOptions): Logger {
  return pino(
    {
      level: options.level,
      base: { node: options.node, thread: options.thread },
      messageKey: 'msg',
      errorKey: 'err',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: {
        level: (label) => ({ level: label }),
        log: (record) => clean(record, 0) as Record<string, unknown>,
      },
      // What a child is bound to does not pass the formatter above.
      redact: { paths: ['authorization', 'key', 'password', 'secret', 'token'], censor: HIDDEN },
      // `clean` has turned errors into records already.
      serializers: { err: (record: unknown) => record },
      hooks: {
        // A message is text that somebody composed, perhaps of an error's: it is cleaned as well.
        logMethod(args, method) {
          const first: unknown = args[0];
          if (first instanceof Error && args.length === 1) args.push(first.message);
          for (let i = 0; i < args.length; i++) {
            const part: unknown = args[i];
            if (typeof part === 'string') args[i] = cleanText(part);
          }
          method.apply(this, args);
        },
      },
    },
    options.to ?? destination({ fd: 1, sync: true }),
  );
}

function clean(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= DEPTH_MAX) return '[deeper]';
  if (value instanceof Error) return clean(stdSerializers.err(value), depth);
  if (value instanceof Date) return value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Map || value instanceof Set) return clean([...value], depth);
  if (Array.isArray(value)) return value.map((item) => clean(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name,
      isSecret(name) ? HIDDEN : clean(field, depth + 1),
    ]),
  );
}

function cleanText(text: string): string {
  return text.replace(BEARER, `$1 ${HIDDEN}`).replace(URL_PASSWORD, `$1${HIDDEN}@`);
}

function isSecret(name: string): boolean {
  return SECRET.test(name.toLowerCase().replaceAll(/[-_]/g, ''));
}
