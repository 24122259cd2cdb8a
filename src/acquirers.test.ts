import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { silentLogger } from '../tests/support/silent-logger.ts';
import { knownAcquirers, readAcquirerFile } from './acquirers.ts';

const folder = mkdtempSync(join(tmpdir(), 'qrswitch-acquirers-'));
const SECRET = 'do-not-tell';
const tbank = {
  name: 'bank',
  institution: 'ins_1',
  driver: 'tbank',
  settings: { baseUrl: 'https://bank.example', terminalKey: 'T', password: SECRET },
};

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** What the start is refused with. */
async function refusalOf(text: string): Promise<string> {
  const path = join(folder, 'acquirers.json');
  writeFileSync(path, text);
  try {
    const file = readAcquirerFile(path);
    // What is wrong is found before the database is asked: there is none.
    await knownAcquirers(file, {
      path,
      databaseUrl: 'postgres://127.0.0.1:1',
      logger: silentLogger,
    });
  } catch (error) {
    return (error as Error).message.replace(folder, '…');
  }
  return '';
}

const of = (...acquirers: object[]): string => JSON.stringify({ acquirers });

describe('the file of acquirers', () => {
  test.each([
    ['no JSON', `{"password":"${SECRET}",}`, 'the file is not JSON'],
    ['a name twice', of(tbank, tbank), 'acquirers/1/name: another one has it too'],
    ['a member too many', of({ ...tbank, password: SECRET }), 'acquirers/0/password: '],
    [
      'settings that do not fit',
      of({ ...tbank, settings: { password: SECRET } }),
      'acquirer bank: tbank: ',
    ],
    [
      'a driver that there is not',
      of({ ...tbank, driverName: 'sber' }),
      'acquirer bank: it has the drivers tbank of kind bill, and sber of kind bill is asked for',
    ],
    [
      'a token that is guessed',
      of({ ...tbank, notificationToken: 'abc' }),
      'acquirers/0/notificationToken: ',
    ],
  ])('with %s refuses the start, says where, and tells no secret', async (_what, text, says) => {
    const refusal = await refusalOf(text);
    expect(refusal).toContain(`QRSWITCH_ACQUIRERS (…/acquirers.json): ${says}`);
    expect(refusal).toContain('Mend the file (docs/acquirers.md)');
    expect(refusal).not.toContain(SECRET);
  });

  test('that is not there refuses the start', () => {
    expect(() => readAcquirerFile(join(folder, 'none.json'))).toThrow('it cannot be read (ENOENT)');
  });
});
