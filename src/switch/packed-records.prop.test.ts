import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PackedRecords } from './packed-records.ts';

const SEGMENT_BYTES = 262_144;
/** Large enough that a few make segments come and go; one in a while has a segment of its own. */
const LENGTHS = [0, 1, 20_000, 60_000, 110_000, 300_000];

const recordOf = (no: number, length: number): Uint8Array =>
  new Uint8Array(length).fill((no * 31 + length) & 255);

describe('packed records', () => {
  test('are found as they were kept, whatever comes and goes, and take little more than they are', () => {
    const steps = fc.array(
      fc.record({ no: fc.nat({ max: 40 }), length: fc.constantFrom(...LENGTHS) }),
      { minLength: 30, maxLength: 90 },
    );
    fc.assert(
      fc.property(steps, (plan) => {
        const records = new PackedRecords();
        const model = new Map<number, Uint8Array>();
        for (const { no, length } of plan) {
          const slot = records.find(`key-${no}`);
          expect(slot >= 0).toBe(model.has(no));
          if (slot >= 0) {
            const kept = records.bytesAt(slot);
            records.remove(slot);
            expect(Buffer.compare(kept, model.get(no) ?? kept)).toBe(0);
            model.delete(no);
          } else {
            model.set(no, recordOf(no, length));
            records.add(`key-${no}`, recordOf(no, length));
          }
          expect(records.count).toBe(model.size);
        }
        let live = 0;
        for (const [no, bytes] of model) {
          const slot = records.find(`key-${no}`);
          expect(records.keyAt(slot)).toBe(`key-${no}`);
          expect(Buffer.compare(records.bytesAt(slot), bytes)).toBe(0);
          live += bytes.length + 40;
        }
        // A record of its own segment's size may leave the room of the segment before it unused.
        expect(records.bytes).toBeLessThanOrEqual(2 * live + 3 * SEGMENT_BYTES);
      }),
      { numRuns: 60 },
    );
  });

  test('are found among thousands, and give their memory back when they go', () => {
    const records = new PackedRecords();
    const bytes = recordOf(7, 300);
    for (let no = 0; no < 20_000; no++) records.add(`key-${no}`, bytes);
    expect(records.bytes).toBeLessThan(20_000 * 330 + SEGMENT_BYTES);
    // One in sixteen stays, so that every segment keeps some.
    for (let no = 0; no < 20_000; no++) {
      if (no % 16 !== 0) records.remove(records.find(`key-${no}`));
    }
    expect(records.count).toBe(1_250);
    expect(records.bytes).toBeLessThan(2 * 1_250 * 330 + 3 * SEGMENT_BYTES);
    for (let no = 0; no < 20_000; no++) expect(records.find(`key-${no}`) >= 0).toBe(no % 16 === 0);
    expect(records.slots).toBe(20_000);
    for (let no = 0; no < 20_000; no += 16) records.remove(records.find(`key-${no}`));
    expect(records.bytes).toBe(0);
    expect(records.slots).toBe(0);
  });
});
