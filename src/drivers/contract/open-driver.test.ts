import { Type } from '@sinclair/typebox';
import { describe, expect, test } from 'vitest';
import type { DriverModule } from './driver-module.ts';
import { moduleOf, modulesIn, openDriver } from './open-driver.ts';

const closed = { additionalProperties: false };
const whole = {
  capabilities: {},
  issue: () => ({ unfit: 'never' }),
  read: () => 'foreign',
  close: async () => {},
};
const format = {
  contract: 1,
  kind: 'qr',
  name: 'meadow',
  settings: Type.Object({ prefix: Type.Optional(Type.String()) }, closed),
  make: (): unknown => whole,
} as const satisfies DriverModule<unknown, object>;

describe('a module', () => {
  test.each([
    ['plain JSON', { type: 'object', properties: {}, ...closed }],
    ['plain in a part', Type.Object({ prefix: { type: 'string' } as never }, closed)],
  ])('is refused by what is wrong with its schema of settings: %s', (_what, settings) => {
    expect(() => modulesIn({ driver: { ...format, settings } })).toThrow(
      'its schema of settings is not made with TypeBox',
    );
  });

  test.each([null, undefined])('is refused without a schema of settings: %s', (settings) => {
    expect(() => modulesIn({ driver: { ...format, settings } })).toThrow(
      'it has no schema of settings',
    );
  });

  test('is refused with an endpoint of plain JSON', () => {
    const driver = { ...format, kind: 'terminal', endpoint: { type: 'object' } };
    expect(() => modulesIn({ driver })).toThrow('its schema of an endpoint is not made');
  });

  test('that is whole is taken', () => {
    expect(modulesIn({ driver: format })).toEqual([format]);
    expect(openDriver(format, {}, {})).toBe(whole);
  });
});

describe('a package', () => {
  const heath = { ...format, name: 'heath' };
  const two = { driver: [format, heath] };

  test('may have more drivers of a kind: each is had by its name', () => {
    expect(moduleOf({ kind: 'qr', name: 'meadow' }, two)).toBe(format);
    expect(moduleOf({ kind: 'qr', name: 'heath' }, two)).toBe(heath);
    expect(moduleOf({ kind: 'qr', name: null }, { driver: heath })).toBe(heath);
  });

  test.each([
    [null, two, 'and one of kind qr is asked for: say which by driverName'],
    ['brook', two, 'meadow of kind qr, heath of kind qr, and brook of kind qr is asked for'],
    ['brook', { driver: format }, 'meadow of kind qr, and brook of kind qr is asked for'],
    ['meadow', { driver: [format, { ...format }] }, 'are of kind qr and called meadow'],
  ])('is refused where it does not say which: %s of %j', (name, exported, said) => {
    expect(() => moduleOf({ kind: 'qr', name }, exported)).toThrow(said);
  });
});

describe('a driver that lacks something is refused when it is made', () => {
  test.each([
    [{ ...whole, close: undefined }, 'meadow: what it makes has no close'],
    [{ ...whole, issue: 7, read: null }, 'no issue, no read'],
    [{ ...whole, capabilities: undefined }, 'no capabilities'],
    [undefined, 'no capabilities, no issue, no read, no close'],
  ])('%#', (made, said) => {
    expect(() => openDriver({ ...format, make: () => made }, {}, {})).toThrow(said);
  });
});
