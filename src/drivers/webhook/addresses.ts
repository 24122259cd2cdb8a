// Where webhooks may be sent: to public addresses by https, and to nothing of ours or of our network, whatever a name
// resolves to, unless the operator allows it.
//
//   N1. An address is judged when it is connected to, never a name: what was looked up is what is connected to.
//   N2. A name of which one address is refused is refused whole.
//   N3. Within a range that the operator allows, everything goes, plain http too.

import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** All addresses of a name. */
export type Resolver = (name: string) => Promise<readonly LookupAddress[]>;

export interface Range {
  readonly network: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** Says why a request was not sent; nothing was. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

/** IPv4 that is not public: RFC 6890 and its successors, and the one public address that a cloud keeps for itself. */
const CLOSED_V4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
];
/** Of IPv6 only global unicast is open, and of that not what leads elsewhere (Teredo, 6to4) or nowhere (examples). */
const GLOBAL_V6 = ['2000::', 3] as const;
const CLOSED_V6: readonly (readonly [string, number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];
/** As URLs write it, whichever way it was written. */
const MAPPED = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/;

const PLAIN = 'is sent to by https only';

export class Addresses {
  readonly #closed = new BlockList();
  readonly #global = new BlockList();
  readonly #allowed = new BlockList();
  readonly #allowsSome: boolean;
  readonly #resolve: Resolver;

  constructor(allowed: readonly Range[], resolve: Resolver = resolveAll) {
    this.#resolve = resolve;
    this.#allowsSome = allowed.length > 0;
    for (const [network, prefix] of CLOSED_V4) this.#closed.addSubnet(network, prefix, 'ipv4');
    for (const [network, prefix] of CLOSED_V6) this.#closed.addSubnet(network, prefix, 'ipv6');
    this.#global.addSubnet(...GLOBAL_V6, 'ipv6');
    for (const { network, prefix, family } of allowed) {
      this.#allowed.addSubnet(network, prefix, family);
    }
  }

  /** Why an address is not sent to; null where it is. */
  refusalOf(address: string, isSecure: boolean): string | null {
    const { family, plain } = unmapped(address);
    if (family === 0) return 'is no address';
    const version = family === 4 ? 'ipv4' : 'ipv6';
    if (this.#allowed.check(plain, version)) return null;
    const isGlobal = family === 4 || this.#global.check(plain, 'ipv6');
    if (!isGlobal || this.#closed.check(plain, version)) return 'is not a public address';
    return isSecure ? null : PLAIN;
  }

  /** Why nothing is ever sent to a URL, as far as it is known without looking up its name; null where it may be. */
  refusalOfUrl({ protocol, hostname }: URL): string | null {
    const isSecure = protocol === 'https:';
    const host = hostname.replace(/^\[|\]$/g, '');
    const isName = isIP(host) === 0;
    // A name may yet turn out to lead into a range that is allowed, where there is any.
    if (isName) return isSecure || this.#allowsSome ? null : `${host} ${PLAIN}`;
    const refusal = this.refusalOf(host, isSecure);
    return refusal === null ? null : `${host} ${refusal}`;
  }

  /** For a connection of Node's: gives checked addresses, or an error (N1, N2). */
  lookup(isSecure: boolean): LookupFunction {
    return (name, options, callback) => {
      this.#checked(name, isSecure).then(
        (addresses) => {
          const [first] = addresses;
          if (options.all === true) callback(null, [...addresses]);
          else if (first === undefined) callback(new Refused(`${name} has no address`), '');
          else callback(null, first.address, first.family);
        },
        (error: Error) => callback(error, ''),
      );
    };
  }

  async #checked(name: string, isSecure: boolean): Promise<readonly LookupAddress[]> {
    const addresses = await this.#resolve(name);
    for (const { address } of addresses) {
      const refusal = this.refusalOf(address, isSecure);
      if (refusal !== null) throw new Refused(`${address}, of ${name}, ${refusal}`);
    }
    return addresses;
  }
}

function resolveAll(name: string): Promise<LookupAddress[]> {
  return lookup(name, { all: true });
}

/** An IPv4 address in the clothes of an IPv6 one is judged as what it is. */
function unmapped(address: string): { family: number; plain: string } {
  const [plain = ''] = address.split('%', 1);
  const family = isIP(plain);
  if (family !== 6) return { family, plain };
  const [, high, low] = MAPPED.exec(new URL(`http://[${plain}]`).hostname) ?? [];
  if (high === undefined || low === undefined) return { family, plain };
  const bits = Number.parseInt(high, 16) * 65_536 + Number.parseInt(low, 16);
  const bytes = [bits >>> 24, (bits >>> 16) & 255, (bits >>> 8) & 255, bits & 255];
  return { family: 4, plain: bytes.join('.') };
}

const URL_MAX = 2_000;

/** What is wrong with an address that somebody registers; null where nothing is that can be seen so far. */
export function urlFlaw(text: string): string | null {
  if (text.length > URL_MAX || !URL.canParse(text)) return 'must be a URL';
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must begin with https://';
  if (url.username !== '' || url.password !== '') return 'must hold no user or password';
  return url.hash === '' ? null : 'must have no fragment';
}

/** `10.0.0.0/8`, `fd00::/8`, or one address; undefined where it is none. */
export function parseRange(text: string): Range | undefined {
  const [network = '', length, rest] = text.split('/');
  const version = isIP(network);
  if (version === 0 || rest !== undefined) return undefined;
  const most = version === 4 ? 32 : 128;
  const prefix = length === undefined ? most : Number(/^\d{1,3}$/.test(length) ? length : NaN);
  if (!(prefix <= most)) return undefined;
  return { network, prefix, family: version === 4 ? 'ipv4' : 'ipv6' };
}
