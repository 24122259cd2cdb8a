// Drivers as other people write them, for a switch that loads them from a list: good ones, and ones that break on request.

import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { TestReceiver } from '../../src/drivers/kit/test-receiver.ts';

/** A format that breaks in the way that the order's id names. */
export const FORMAT = `
import { Type } from '@sinclair/typebox';
const forever = () => new Promise(() => {});
const ways = {
  hangs: forever,
  throws: () => { throw new Error('oops'); },
  nonsense: () => ({ payload: 7 }),
  exits: () => { process.exit(3); },
  spins: () => { for (;;); },
  hoards: () => { const all = []; for (;;) all.push(all.length); },
};
export const driver = {
  contract: 1, kind: 'qr', name: 'meadow',
  settings: Type.Object({ prefix: Type.String({ pattern: '^[A-Z]+:$' }) }, { additionalProperties: false }),
  make: ({ prefix }, { tag }) => ({
    capabilities: {
      usages: ['single'], openAmounts: [], currencies: ['EUR'], needs: [], begins: [prefix], lengthMax: 100,
    },
    issue: ({ billId, amount, orderId }) => {
      const way = ways[orderId.split('-')[0]];
      if (way) return way();
      if (amount === 13) return { unfit: 'Thirteen brings bad luck.' };
      const body = prefix + billId + '/' + amount;
      return { payload: body + '/' + tag(body, 8) };
    },
    read: (text) => {
      const [start, amount, mark] = text.split('/');
      if (mark === undefined) return 'foreign';
      if (tag(start + '/' + amount, 8) !== mark) return 'tampered';
      return { billId: start.slice(prefix.length) };
    },
    close: async () => {},
  }),
};
`;

/** A file as docs/drivers.md writes it. */
export function fromPage(name: string): string {
  const page = readFileSync('docs/drivers.md', 'utf8');
  const blocks = [...page.matchAll(/^```js file=(\S+)\n([\s\S]*?)^```$/gm)];
  return blocks.flatMap((block) => (block[1] === name ? [block[2]] : [])).join('\n');
}

export interface Listed {
  readonly kind: string;
  readonly name: string;
  readonly package: string;
  readonly settings?: object;
  readonly callMs?: number;
}

/** A folder with drivers in it, and the list that names them. */
export class DriverFolder {
  readonly #folder = mkdtempSync(join(tmpdir(), 'qrswitch-drivers-'));

  constructor(files: Readonly<Record<string, string>>) {
    symlinkSync(join(process.cwd(), 'node_modules'), join(this.#folder, 'node_modules'));
    for (const [name, code] of Object.entries(files)) {
      writeFileSync(join(this.#folder, name), code);
    }
  }

  /** Writes a list, and answers where it is. */
  list(name: string, entries: readonly Listed[]): string {
    const file = join(this.#folder, name);
    writeFileSync(file, JSON.stringify(entries));
    return file;
  }

  /** The receiver that the driver's own package has for trying it on. */
  async receiver(name: string): Promise<TestReceiver> {
    const url = pathToFileURL(join(this.#folder, name)).href;
    const { startTestReceiver } = (await import(url)) as {
      startTestReceiver: () => Promise<TestReceiver>;
    };
    return startTestReceiver();
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
