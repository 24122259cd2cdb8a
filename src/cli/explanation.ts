// A charge as a person reads it: a table of its lines, the total, and what comes next.

import type { ChargeLine } from '../domain/tariff/charge.ts';
import { charge } from '../domain/tariff/charge.ts';
import { FREE } from '../domain/tariff/runs.ts';
import type { Cap, Phase } from '../domain/tariff/tariff.ts';
import { zoneOf } from '../domain/tariff/zone.ts';
import { MINUTE_MS, type Millis, millis, SECOND_MS } from '../domain/time.ts';
import { formatAmount } from '../protocols/currencies.ts';
import type { Explained } from './explained.ts';
import { type Column, table } from './table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'from' },
  { title: 'to' },
  { title: 'rule' },
  { title: 'price' },
  { title: 'units', align: 'right' },
  { title: 'amount', align: 'right' },
  { title: '' },
];

const DAY_MINUTES = 1_440;
const OFFSET = / [+-]\d\d:\d\d$/;

/** The lines of the explanation. */
export function explanation(explained: Explained): string[] {
  const { tariff, version, from, to, charge: charged } = explained;
  const { currency, timeZone } = tariff;
  const money = (amount: number): string => moneyText(amount, currency);
  const rows = charged.breakdown.map((line) =>
    lineCells(line, { money, time: timeTextFor(explained) }),
  );
  const total = ['', '', '', '', 'total', money(charged.amount), ''];
  return [
    `${durationText((to - from) / MINUTE_MS)} from ${localTime(timeZone, from)} to ${localTime(timeZone, to)}`,
    `by the version of ${localTime(timeZone, version.effectiveFrom)}, time zone ${timeZone}`,
    '',
    ...table(COLUMNS, [...rows, total]),
    '',
    nextText(explained, money),
    `An amount that was told is good for ${durationText(version.quoteSeconds / 60)}; who has paid may take ${durationText(version.graceSeconds / 60)} to leave.`,
  ];
}

/** `Sun 2026-03-29 03:00 +02:00`: what the tariff's clock reads, and how far it is ahead of UTC. */
function localTime(timeZone: string, at: Millis): string {
  const wall = zoneOf(timeZone).wallAt(at);
  const text = new Date(wall).toISOString();
  const day = new Date(wall).toUTCString().slice(0, 3);
  const clock =
    wall % MINUTE_MS === 0 ? text.slice(11, 16) : text.slice(11, 23).replace('.000', '');
  return `${day} ${text.slice(0, 10)} ${clock} ${offsetText(wall - at)}`;
}

export function moneyText(amount: number, currency: string): string {
  return formatAmount(amount, currency).replaceAll('\u00a0', ' ');
}

/** Where the clock is not changed during the stay, its times stand without the offset. */
function timeTextFor({ tariff: { timeZone }, from, to }: Explained): (at: Millis) => string {
  const isSteady =
    OFFSET.exec(localTime(timeZone, from))?.[0] === OFFSET.exec(localTime(timeZone, to))?.[0];
  return (at) => localTime(timeZone, at).replace(isSteady ? OFFSET : '', '');
}

function lineCells(
  { from, to, rule, phase, units, amount, cap }: ChargeLine,
  { money, time }: { money: (amount: number) => string; time: (at: Millis) => string },
): string[] {
  return [
    time(from),
    time(to),
    rule?.name ?? (phase === FREE ? '(no rule)' : '(first)'),
    priceText(phase, money),
    String(units),
    money(amount),
    cap === null ? '' : capText(cap, money),
  ];
}

function priceText(
  { amount, perMinutes, forMinutes }: Phase,
  money: (amount: number) => string,
): string {
  const lasts = forMinutes === null ? '' : ` for ${durationText(forMinutes)}`;
  if (amount === 0) return `free${lasts}`;
  if (perMinutes !== null) return `${money(amount)} per ${durationText(perMinutes)}${lasts}`;
  return `${money(amount)}${lasts === '' ? ' flat' : lasts}`;
}

function capText({ max, per }: Cap, money: (amount: number) => string): string {
  const window = typeof per === 'string' ? per : durationText(per.minutes);
  return `at most ${money(max)} per ${window}`;
}

function nextText({ tariff, from, charge: charged }: Explained, money: (amount: number) => string) {
  const { nextChangeAt } = charged;
  if (nextChangeAt === null) return 'The price does not change any more.';
  const next = charge(tariff, from, nextChangeAt);
  if ('rejected' in next) return '';
  const until = localTime(tariff.timeZone, millis(nextChangeAt - 1));
  return `The price is good to ${until}; then it is ${money(next.amount)}.`;
}

function offsetText(offsetMs: number): string {
  const minutes = Math.abs(offsetMs) / MINUTE_MS;
  const two = (part: number): string => String(Math.floor(part)).padStart(2, '0');
  return `${offsetMs < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
}

/** `7 days`, `1 h 30 min`, `15 min`; a day alone is 24 h, since a day of the calendar may be longer or shorter. */
function durationText(minutes: number): string {
  const days = minutes < 2 * DAY_MINUTES ? 0 : Math.floor(minutes / DAY_MINUTES);
  const hours = Math.floor((minutes - days * DAY_MINUTES) / 60);
  const whole = Math.floor(minutes % 60);
  const seconds = Number((((minutes - Math.floor(minutes)) * MINUTE_MS) / SECOND_MS).toFixed(3));
  const parts = [
    ...(days > 0 ? [`${days} days`] : []),
    ...(hours > 0 ? [`${hours} h`] : []),
    ...(whole > 0 ? [`${whole} min`] : []),
    ...(seconds > 0 ? [`${seconds} s`] : []),
  ];
  return parts.length === 0 ? '0 min' : parts.join(' ');
}
