// The demo's institution, merchant, terminal, paychannel and operator, made once, with their keys in a file (API.md).

import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ISql } from 'postgres';
import type { InstitutionId, MerchantId, PaychannelId, TerminalId } from '../domain/ids.ts';
import { hashKey, readKeyHashes } from './key-hashes.ts';
import {
  addInstitution,
  addKey,
  addMerchant,
  addOperator,
  addPaychannel,
  addTerminal,
} from './onboarding.ts';
import { overStartLine } from './start-line.ts';

/** What `demo.json` holds. */
export interface DemoData {
  readonly baseUrl: string;
  readonly institution: { readonly id: InstitutionId };
  readonly operator: { readonly key: string };
  readonly merchant: { readonly id: MerchantId };
  readonly terminal: { readonly id: TerminalId; readonly key: string };
  readonly paychannel: { readonly id: PaychannelId; readonly key: string };
}

/**
 * Makes the demo, unless the file names one that this database has; writes the file (mode 600) where it is new or the
 * address has changed. A demo of another database is replaced: its keys open nothing here.
 */
export function ensureDemo(options: {
  databaseUrl: string;
  /** Where `demo.json` is or goes. */
  file: string;
  baseUrl: string;
  /** Those that are configured for keys. */
  peppers?: readonly string[];
}): Promise<DemoData> {
  const { file, baseUrl, peppers = [] } = options;
  return overStartLine(options.databaseUrl, async (sql) => {
    const found = await readDemo(file);
    if (found !== null && (await isInUse(sql, found, peppers))) {
      const demo = { ...found, baseUrl };
      if (found.baseUrl !== baseUrl) await writeDemo(file, demo);
      return demo;
    }
    const demo = await makeDemo(sql, baseUrl, peppers);
    await writeDemo(file, demo);
    return demo;
  });
}

async function makeDemo(sql: ISql, baseUrl: string, peppers: readonly string[]): Promise<DemoData> {
  const keyOf = (kind: 'operator' | 'terminal' | 'paychannel', id: string): Promise<string> =>
    addKey(sql, { kind, id }, peppers);
  // Each step stands alone: a start that is killed on the way leaves a few names without keys, which open nothing.
  const institutionId = await addInstitution(sql, {
    name: 'Demo Bank',
    country: 'US',
    // Nobody's: real members of SBP have numbers that begin with 1.
    sbpMember: '999999999999',
    mode: 'test',
  });
  const merchantId = await addMerchant(sql, {
    institutionId,
    name: 'Corner Coffee',
    city: 'Springfield',
    category: '5814',
  });
  const terminalId = await addTerminal(sql, { merchantId, name: 'Till 1' });
  const paychannelId = await addPaychannel(sql, {
    institutionId,
    name: 'Demo Wallet',
    subscribed: true,
  });
  // Of this institution, and of the whole directory: the demo's operator can onboard others beside it.
  const operator = { institutionId, name: 'Demo operator', role: 'system' } as const;
  return {
    baseUrl,
    institution: { id: institutionId },
    operator: { key: await keyOf('operator', await addOperator(sql, operator)) },
    merchant: { id: merchantId },
    terminal: { id: terminalId, key: await keyOf('terminal', terminalId) },
    paychannel: { id: paychannelId, key: await keyOf('paychannel', paychannelId) },
  };
}

async function readDemo(file: string): Promise<DemoData | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as DemoData;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) {
      return null;
    }
    throw error;
  }
}

/** Whether all of its keys are keys of this database. */
async function isInUse(sql: ISql, demo: DemoData, peppers: readonly string[]): Promise<boolean> {
  const keys = [demo.operator?.key, demo.terminal?.key, demo.paychannel?.key];
  if (keys.some((key) => typeof key !== 'string')) return false;
  const known = await readKeyHashes(sql, peppers);
  const hashes = keys.map((key) => known.stored(hashKey(key)));
  const found = await sql`
    select 1 from keys where key_hash in ${sql(hashes)} and revoked_at is null`;
  return found.length === hashes.length;
}

async function writeDemo(file: string, demo: DemoData): Promise<void> {
  const draft = `${file}.${process.pid}`;
  const handle = await open(draft, 'w', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(demo, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
  const folder = await open(dirname(file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
