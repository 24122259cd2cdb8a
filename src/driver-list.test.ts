import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { readDriverList } from './driver-list.ts';

const folder = mkdtempSync(join(tmpdir(), 'qrswitch-list-'));
afterAll(() => rmSync(folder, { recursive: true }));

function listed(text: string): string {
  const file = join(folder, 'drivers.json');
  writeFileSync(file, text);
  return file;
}

const entry = { kind: 'qr', name: 'meadow', package: './codes.mjs', settings: { a: 1 } };

describe('a list of drivers', () => {
  test('names files beside itself, and packages', () => {
    const file = listed(
      JSON.stringify([entry, { ...entry, name: 'brook', package: 'brook-codes' }]),
    );

    expect(readDriverList(file)).toEqual([
      { ...entry, specifier: pathToFileURL(join(folder, 'codes.mjs')).href },
      { ...entry, name: 'brook', package: 'brook-codes', specifier: 'brook-codes' },
    ]);
  });

  test('leaves out settings where a driver has none', () => {
    const { settings: _none, ...bare } = entry;
    expect(readDriverList(listed(JSON.stringify([bare])))).toMatchObject([{ settings: {} }]);
  });

  test.each([
    ['{', 'is not JSON'],
    ['{}', 'must be an array'],
    ['[null]', 'entry 1'],
    [JSON.stringify([entry, { ...entry, kind: 'lamp' }]), 'entry 2'],
    [JSON.stringify([{ ...entry, name: 'Meadow Bank' }]), 'entry 1'],
    [JSON.stringify([{ ...entry, package: '' }]), 'entry 1'],
    [JSON.stringify([{ ...entry, setings: {} }]), 'entry 1'],
    [JSON.stringify([{ ...entry, callMs: 0 }]), 'entry 1'],
  ])('is refused by the name of its option: %s', (text, said) => {
    const file = listed(text);
    expect(() => readDriverList(file)).toThrow(said);
    expect(() => readDriverList(file)).toThrow(`QRSWITCH_DRIVERS`);
  });

  test.each([
    '[{"settings":{"password":"s3cret"}}',
    '[{"settings":{"password":"s3cret",}}]',
    '[{"settings":{"password":s3cret}}]',
  ])('tells none of its secrets where it is not JSON: %s', (text) => {
    let said = '';
    try {
      readDriverList(listed(text));
    } catch (error) {
      said = inspect(error);
    }

    expect(said).toContain('drivers.json is not JSON');
    expect(said).not.toContain('s3cret');
  });

  test('says where it is not JSON', () => {
    expect(() => readDriverList(listed('[{"a":1,}]'))).toThrow(
      'drivers.json is not JSON at line 1, column 9.',
    );
  });

  test('that is not there is refused', () => {
    expect(() => readDriverList(join(folder, 'none.json'))).toThrow('ENOENT');
  });
});
