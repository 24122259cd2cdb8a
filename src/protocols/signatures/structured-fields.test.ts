import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readBytes, readNameLists } from './structured-fields.ts';

describe('a dictionary of name lists', () => {
  test('is read with its parameters, and keeps the text that was signed', () => {
    const text = '("@method" "@path");created=1618884473;keyid="a\\"b";nonce="n";fresh;old=?0';
    const lists = readNameLists(` sig1=${text} , *b.2=()`);
    expect([...(lists ?? [])].map(([label]) => label)).toEqual(['sig1', '*b.2']);
    const list = lists?.get('sig1');
    expect(list?.names).toEqual(['@method', '@path']);
    expect([...(list?.parameters ?? [])]).toEqual([
      ['created', 1_618_884_473],
      ['keyid', 'a"b'],
      ['nonce', 'n'],
      ['fresh', true],
      ['old', false],
    ]);
    expect(list?.text).toBe(text);
    expect(lists?.get('*b.2')?.names).toEqual([]);
  });

  test('is not read where anything in it is not plain', () => {
    const unfit = [
      '',
      'sig1',
      'sig1=',
      'sig1=(',
      'sig1=("a"',
      'sig1=("a""b")',
      'sig1=(a)',
      'sig1=("a";req)',
      'sig1=("a");created=1.5',
      'sig1=("a");created=1;created=2',
      'sig1=("a");keyid=token',
      'sig1=("a"), sig1=("b")',
      'sig1=("a"),',
      'sig1=("a") x',
      'Sig1=("a")',
      'sig1=("ä")',
    ];
    for (const text of unfit) expect([text, readNameLists(text)]).toEqual([text, null]);
  });

  test('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab@"\\();=,: 1?\t') }), (text) => {
        readNameLists(text);
        readBytes(text);
      }),
    );
  });
});

describe('a dictionary of bytes', () => {
  test('is read as base64', () => {
    const read = readBytes('sig1=:AQID:, b=::');
    expect([...(read ?? [])].map(([label, bytes]) => [label, [...bytes]])).toEqual([
      ['sig1', [1, 2, 3]],
      ['b', []],
    ]);
  });

  test('is not read where it is something else', () => {
    for (const text of ['', 'a=1', 'a=:AQID', 'a=:*:', 'a=:AQID:;p', 'a=:AQID:, a=:AQID:']) {
      expect([text, readBytes(text)]).toEqual([text, null]);
    }
  });
});
