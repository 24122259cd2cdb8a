import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keys, makePrincipals } from '../../../tests/support/fake-door.ts';
import type { DirectoryChange } from '../../switch/directory.ts';
import type { Principal } from '../../switch/principal.ts';
import { KnownKeys } from './known-keys.ts';
import { hashOfKey } from './principals.ts';

const till = makePrincipals().get(hashOfKey(keys.terminal)) as Principal;

function keyOf(no: number, principal: Partial<Principal>) {
  const holder = { keyId: `key_${no}`, expiresAt: null, principal: { ...till, ...principal } };
  return { holder, endsAt: Infinity, checkedAt: 0, turn: 0, isUsed: false };
}

function knownOf(principals: readonly Partial<Principal>[], max = 1_000): KnownKeys {
  const known = new KnownKeys(max);
  principals.forEach((principal, no) => {
    known.set(`hash ${no}`, keyOf(no, principal));
  });
  return known;
}

const IDS = ['a', 'b', 'c'];
const KINDS = ['terminal', 'merchant', 'paychannel', 'operator'] as const;
const somebody = fc.record({
  kind: fc.constantFrom(...KINDS),
  id: fc.constantFrom(...IDS),
  institutionId: fc.constantFrom(...IDS),
  merchantId: fc.constantFrom(...IDS, null),
}) as fc.Arbitrary<Partial<Principal>>;
const change: fc.Arbitrary<DirectoryChange> = fc.record({
  kind: fc.constantFrom(...KINDS, 'institution', 'agreement', 'webhook', 'key'),
  id: fc.constantFrom(...IDS, 'key_0', 'key_1'),
});

describe('the keys that a gateway knows', () => {
  test('are found by what has changed: those and their holders’, and no others', () => {
    const histories = fc.array(
      fc.oneof(
        fc.record({ set: fc.nat(5), principal: somebody }),
        fc.record({ strike: fc.nat(5) }),
      ),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(histories, fc.array(change, { maxLength: 4 }), (history, changes) => {
        const known = new KnownKeys(4);
        for (const step of history) {
          if ('strike' in step) known.delete(`hash ${step.strike}`);
          else known.set(`hash ${step.set}`, keyOf(step.set, step.principal));
        }
        const expected = [...known.all()].filter((hash) => {
          const { keyId, principal } = known.get(hash)?.holder ?? keyOf(0, {}).holder;
          const names = [`${principal.kind}:${principal.id}`, `key:${keyId}`];
          return changes.some((each) => names.includes(`${each.kind}:${each.id}`));
        });
        expect([...new Set(known.touchedBy(changes))].sort()).toEqual(expected.sort());
      }),
    );
  });

  test('are all found where their holder has several', () => {
    const known = knownOf([{ id: 'ter_1' }, { id: 'ter_1' }, { id: 'ter_2' }, { id: 'ter_1' }]);
    known.delete('hash 1');
    const touched = [...known.touchedBy([{ kind: 'terminal', id: 'ter_1' }])];
    expect(touched.sort()).toEqual(['hash 0', 'hash 3']);
  });

  test('that another holds by now are found by that one alone', () => {
    const known = knownOf([{ id: 'ter_1' }]);
    known.set('hash 0', keyOf(7, { id: 'ter_2' }));
    const touchedBy = (kind: DirectoryChange['kind'], id: string) => [
      ...known.touchedBy([{ kind, id }]),
    ];
    expect([touchedBy('terminal', 'ter_1'), touchedBy('key', 'key_0')]).toEqual([[], []]);
    expect([touchedBy('terminal', 'ter_2'), touchedBy('key', 'key_7')]).toEqual([
      ['hash 0'],
      ['hash 0'],
    ]);
  });

  test('are no more than the bound, and nothing is kept of those that went', () => {
    const known = knownOf([{ id: 'ter_1' }, { id: 'ter_2' }, { id: 'ter_3' }], 2);
    expect([...known.all()]).toEqual(['hash 1', 'hash 2']);
    expect([...known.touchedBy([{ kind: 'terminal', id: 'ter_1' }])]).toEqual([]);
    expect([...known.touchedBy([{ kind: 'key', id: 'key_0' }])]).toEqual([]);
  });

  test('are not looked through for a change of one of them', () => {
    const known = knownOf(Array.from({ length: 1_000 }, (_, no) => ({ id: `ter_${no}` })));
    let looks = 0;
    for (const key of known.values()) {
      const { principal } = key.holder;
      Object.defineProperty(key.holder, 'principal', {
        get() {
          looks += 1;
          return principal;
        },
      });
    }
    const changes = [
      { kind: 'terminal', id: 'ter_500' },
      { kind: 'key', id: 'key_7' },
    ] as const;
    expect([...known.touchedBy(changes)]).toEqual(['hash 500', 'hash 7']);
    expect(looks).toBe(1);
  });
});
