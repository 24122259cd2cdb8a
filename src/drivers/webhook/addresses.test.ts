import { describe, expect, test } from 'vitest';
import { Addresses, parseRange, type Range, urlFlaw } from './addresses.ts';

const CLOSED = [
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '100.100.100.200',
  '127.0.0.1',
  '127.255.255.255',
  '168.63.129.16',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.192',
  '192.168.1.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::127.0.0.1',
  '::ffff:127.0.0.1',
  '::ffff:10.0.0.1',
  '::FFFF:a9fe:a9fe',
  '0:0:0:0:0:ffff:7f00:1',
  '::ffff:0:127.0.0.1',
  '64:ff9b::a00:1',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'fc00::1',
  'fd00:ec2::254',
  'ff02::1',
  '100::1',
  '2001::1',
  '2001:db8::1',
  '2002:7f00:1::',
  'nonsense',
  '',
];
const OPEN = [
  '1.1.1.1',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '172.15.0.1',
  '172.32.0.1',
  '192.167.0.1',
  '223.255.255.255',
  '::ffff:1.1.1.1',
  '2606:4700:4700::1111',
  '2a00:1450:4001::1',
];

const of = (...ranges: string[]): Addresses =>
  new Addresses(ranges.map((range) => parseRange(range) as Range));

describe('where webhooks are sent', () => {
  test('is to public addresses by https, and to nothing of ours', () => {
    const addresses = of();
    expect(CLOSED.filter((address) => addresses.refusalOf(address, true) === null)).toEqual([]);
    expect(OPEN.filter((address) => addresses.refusalOf(address, true) !== null)).toEqual([]);
    expect(OPEN.filter((address) => addresses.refusalOf(address, false) === null)).toEqual([]);
  });

  test('is what the operator allows beside, plain too, and no more', () => {
    const addresses = of('10.20.0.0/16', 'fd00:1::/32', '127.0.0.1');
    for (const address of ['10.20.255.1', 'fd00:1::5', '127.0.0.1', '::ffff:10.20.0.1']) {
      expect(addresses.refusalOf(address, false), address).toBeNull();
    }
    for (const address of ['10.21.0.1', 'fd00:2::5', '127.0.0.2', '::1']) {
      expect(addresses.refusalOf(address, true), address).not.toBeNull();
    }
  });

  test('is told by ranges that are ranges', () => {
    expect(parseRange('10.0.0.0/8')).toEqual({ network: '10.0.0.0', prefix: 8, family: 'ipv4' });
    expect(parseRange('::1')).toEqual({ network: '::1', prefix: 128, family: 'ipv6' });
    for (const text of ['10.0.0.0/33', '10.0.0/8', '10.0.0.0/', '10.0.0.0/8/8', 'fd00::/129', '']) {
      expect(parseRange(text), text).toBeUndefined();
    }
  });

  const refusalOf = (addresses: Addresses, url: string) => addresses.refusalOfUrl(new URL(url));

  test('is refused before anything is looked up where it can never be sent to', () => {
    const closed = of();
    for (const url of [
      'https://127.0.0.1:18499/x',
      'https://169.254.169.254/x',
      'https://2130706433/x',
      'https://[::1]/x',
      'https://[::ffff:10.0.0.1]/x',
    ]) {
      expect(refusalOf(closed, url), url).toMatch(/ is not a public address$/);
    }
    expect(refusalOf(closed, 'http://1.1.1.1/x')).toBe('1.1.1.1 is sent to by https only');
    expect(refusalOf(closed, 'http://a.example/x')).toBe('a.example is sent to by https only');
    for (const url of ['https://1.1.1.1/x', 'https://a.example/x', 'https://localhost/x']) {
      expect(refusalOf(closed, url), url).toBeNull();
    }
  });

  test('may be whatever a name resolves to, by http too, where the operator allows a range', () => {
    const open = of('10.20.0.0/16');
    for (const url of ['http://10.20.0.1/x', 'http://a.example/x', 'https://a.example/x']) {
      expect(refusalOf(open, url), url).toBeNull();
    }
    expect(refusalOf(open, 'http://10.21.0.1/x')).toBe('10.21.0.1 is not a public address');
  });

  test('is a URL that says only where', () => {
    expect(urlFlaw('https://shop.example:8443/hook?token=x')).toBeNull();
    for (const url of [
      'shop.example',
      'ftp://a.b/',
      'https://u:p@a.b/',
      'https://a.b/#c',
      '//a.b',
    ]) {
      expect(urlFlaw(url), url).not.toBeNull();
    }
  });
});
