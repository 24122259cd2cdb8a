import { describe, expect, test } from 'vitest';
import { readJsonText } from './json-text.ts';

const SECRET = 'qrs_oper_secret';

describe('JSON that somebody wrote by hand', () => {
  test('is read', () => {
    expect(readJsonText(' {"key":[1]}\n')).toEqual({ value: { key: [1] } });
  });

  test.each([
    [`{\n  "key": "${SECRET}"\n  "more": 1\n}`, 'is not JSON at line 3, column 3'],
    [`{"key":"${SECRET}"`, 'is not JSON at line 1, column 25'],
    [`{"key":"${SECRET}"}\n{}`, 'is not JSON at line 2, column 1'],
    [`["${SECRET}]`, 'is not JSON at line 1, column 19'],
    ['', 'is not JSON at line 1, column 1'],
    ['[1,\n', 'is not JSON at line 2, column 1'],
    // Node.js tells no place where it quotes, and what it quotes may look like one.
    [`${SECRET}`, 'is not JSON'],
    [`{"key": ${SECRET}}`, 'is not JSON'],
    ['x JSON at position 7', 'is not JSON'],
  ])('tells where it goes wrong, and nothing of what it says: %j', (text, flaw) => {
    expect(readJsonText(text)).toEqual({ flaw });
  });
});
