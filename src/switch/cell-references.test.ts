import { describe, expect, test } from 'vitest';
import { billId, makeBill, makeReference, reference } from '../../tests/support/bill-fixtures.ts';
import type { PresentBill } from '../domain/bill/state.ts';
import { makeCell } from './cell.ts';
import { lettingGo, mayHaveGone } from './cell-references.ts';
import { NO_ENTRY } from './entry-id.ts';

const named = (n: number) => makeReference({ ref: reference(`ref-${n}`) });
const bill = (change: Partial<PresentBill>) => makeBill({ id: billId(1) }, change);

describe('the references of a bill', () => {
  test('cost no memory beside it before it has let go of one', () => {
    const cell = makeCell(billId(1), true, 0);
    const by = { batch: 1, entry: NO_ENTRY };
    const first = bill({ references: [named(1)] });
    cell.bill = first;
    lettingGo(cell, bill({}), [], by);
    expect(cell).toMatchObject({ gone: null, unwritten: null });

    cell.bill = bill({ references: [named(2)], spilled: true });
    lettingGo(cell, first, [], by);
    expect(cell.unwritten).toMatchObject([{ reference: named(1) }]);
    expect(mayHaveGone(cell, named(1))).toBe(true);
    expect(mayHaveGone(cell, named(3))).toBe(false);
  });
});
