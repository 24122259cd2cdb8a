import type { ISql } from 'postgres';
import { describe, expect, test } from 'vitest';
import { Fault } from '../switch/faults.ts';
import type { Acting } from '../switch/operator-desk.ts';
import { runOnce } from './audited.ts';

/** Without a key nobody is asked whether it has been made. */
const acting = { idempotencyKey: null } as Acting;
const nobody = undefined as unknown as ISql;

function failing(severity: string | null): Error {
  const error = new Error('planted');
  return severity === null ? error : Object.assign(error, { severity });
}

describe('a change by an operator', () => {
  test('that Postgres has refused was not made', async () => {
    const refused = failing('ERROR');
    await expect(runOnce(nobody, acting, () => Promise.reject(refused))).rejects.toBe(refused);
  });

  // postgres.js tells of an ended connection, and not of what Postgres said as it ended it: another version may.
  test.each(['FATAL', 'PANIC', null])(
    'may have been made where its connection is lost: %s',
    async (severity) => {
      const lost = failing(severity);
      const made = runOnce(nobody, acting, () => Promise.reject(lost));
      await expect(made).rejects.toThrow(Fault);
      await expect(made).rejects.toMatchObject({ code: 'outcome.unknown', cause: lost });
    },
  );
});
