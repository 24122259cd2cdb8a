import { describe, expect, test } from 'vitest';
import { DataKeys } from './data-keys.ts';

const OWN = 'the database has drawn this for itself';
const OLD = 'an operator has configured this one first';
const NEW = 'and this one, later, in front of the first';

describe('data keys', () => {
  test('open what they have sealed, and seal nothing twice alike', () => {
    const keys = new DataKeys([], OWN);
    const texts = ['', '+7 *** ***-12-34', 'Žofie Č.', 'x'.repeat(500)];
    for (const text of texts) {
      const sealed = keys.seal(text, 'here');
      expect(keys.open(sealed, 'here')).toBe(text);
      expect(keys.seal(text, 'here')).not.toBe(sealed);
      if (text !== '') expect(sealed).not.toContain(text);
    }
  });

  test('follow one another: the first seals, and all open', () => {
    const byOwn = new DataKeys([], OWN).seal('a', 'here');
    const byOld = new DataKeys([OLD], OWN).seal('b', 'here');
    const keys = new DataKeys([NEW, OLD], OWN);
    expect([keys.open(byOwn, 'here'), keys.open(byOld, 'here')]).toEqual(['a', 'b']);
    expect([keys.isFresh(byOwn), keys.isFresh(byOld)]).toEqual([false, false]);

    const byNew = keys.seal('c', 'here');
    expect(keys.isFresh(byNew)).toBe(true);
    expect(new DataKeys([OLD], OWN).open(byNew, 'here')).toBeNull();
  });

  test('open nothing that was changed, cut, moved to another place or never sealed', () => {
    const keys = new DataKeys([OLD], OWN);
    const sealed = keys.seal('a payer', 'payment 1');
    expect(keys.open(sealed, 'payment 2')).toBeNull();
    expect(keys.open(sealed.slice(0, -4), 'payment 1')).toBeNull();
    for (const at of [12, 20, 30, sealed.length - 1]) {
      const other = sealed[at] === 'A' ? 'B' : 'A';
      const changed = sealed.slice(0, at) + other + sealed.slice(at + 1);
      // The last letter of base64 may hold bits that nothing hangs on.
      if (at < sealed.length - 1) expect(keys.open(changed, 'payment 1')).toBeNull();
    }
    for (const text of ['', 'a payer', 's1.short', `s1.${'A'.repeat(8)}.AAAA`]) {
      expect(keys.open(text, 'payment 1')).toBeNull();
    }
  });
});
