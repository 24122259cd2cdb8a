import { describe, expect, test } from 'vitest';
import { CLOCKS } from '../../../tests/support/slow-charge.ts';
import { at } from '../../../tests/support/tariffs.ts';
import { HOUR_MS, MINUTE_MS, type Millis, millis } from '../time.ts';
import { isTimeZone, type WallMs, Zone, zoneOf } from './zone.ts';

/** A reading of a clock, written as if it were UTC. */
const reads = (text: string): WallMs => Date.parse(`${text}Z`) as WallMs;
const shown = (time: number): string => new Date(time).toISOString();

describe('a zone', () => {
  test('changes its clocks to the millisecond when it was published that it does', () => {
    for (const [name, changes] of Object.entries(CLOCKS)) {
      const zone = zoneOf(name);
      for (const [index, [since, minutes]] of changes.entries()) {
        const before = changes[index - 1]?.[1] ?? minutes;
        const change = at(since);
        expect(zone.wallAt(change) - change, `${name} ${since}`).toBe(minutes * MINUTE_MS);
        if (index === 0) continue;
        expect(zone.wallAt(millis(change - 1)) - (change - 1)).toBe(before * MINUTE_MS);
      }
    }
  });

  test('reads the same as Intl, over many years', () => {
    for (const name of ['Europe/Berlin', 'America/St_Johns', 'Asia/Gaza', 'Pacific/Apia', 'UTC']) {
      const zone = new Zone(name);
      const intl = swedish(name);
      for (let time = at('1971-01-01T00:00Z'); time < at('2100-01-01T00:00Z'); ) {
        expect(shown(zone.wallAt(time)), `${name} ${shown(time)}`).toBe(intl(time));
        time = millis(time + 1_000 * 3_600_007);
      }
    }
  });

  test('reads a time that the clock skips when it has been put forward', () => {
    const berlin = zoneOf('Europe/Berlin');

    expect(shown(berlin.firstAt(reads('2026-03-29T01:59')))).toBe('2026-03-29T00:59:00.000Z');
    expect(shown(berlin.firstAt(reads('2026-03-29T02:00')))).toBe('2026-03-29T01:00:00.000Z');
    expect(shown(berlin.firstAt(reads('2026-03-29T02:59')))).toBe('2026-03-29T01:00:00.000Z');
    expect(shown(berlin.firstAt(reads('2026-03-29T03:01')))).toBe('2026-03-29T01:01:00.000Z');
  });

  test('reads a time that comes twice when it comes first', () => {
    const berlin = zoneOf('Europe/Berlin');

    expect(shown(berlin.firstAt(reads('2026-10-25T02:00')))).toBe('2026-10-25T00:00:00.000Z');
    expect(shown(berlin.firstAt(reads('2026-10-25T02:59')))).toBe('2026-10-25T00:59:00.000Z');
    expect(shown(berlin.firstAt(reads('2026-10-25T03:00')))).toBe('2026-10-25T02:00:00.000Z');
  });

  test('reads a day that it has left out when the next one began', () => {
    // Samoa went over the date line: 29 December 2011 was followed by the 31st.
    expect(shown(zoneOf('Pacific/Apia').firstAt(reads('2011-12-30T12:00')))).toBe(
      '2011-12-30T10:00:00.000Z',
    );
  });

  test('finds a reading of every quarter of an hour at the first instant that shows it or more', () => {
    for (const name of Object.keys(CLOCKS)) {
      const zone = zoneOf(name);
      const wrong: string[] = [];
      for (let wall = reads('2026-01-01T00:00'); wall < reads('2027-01-01T00:00'); ) {
        const first = zone.firstAt(wall);
        const isShown = zone.wallAt(first) >= wall;
        const isFirst = [1, HOUR_MS / 2, HOUR_MS, 2 * HOUR_MS].every((sooner) => {
          return zone.wallAt(millis(first - sooner)) < wall;
        });
        if (!isShown || !isFirst) wrong.push(`${name} ${shown(wall)}: ${shown(first)}`);
        wall = (wall + 15 * MINUTE_MS) as WallMs;
      }
      expect(wrong).toEqual([]);
    }
  });
});

describe('the name of a time zone', () => {
  test.each(['Europe/Berlin', 'America/Argentina/Buenos_Aires', 'UTC'])('may be %s', (name) => {
    expect(isTimeZone(name)).toBe(true);
  });

  test.each(['Europe/Nowhere', '+01:00', '', 'Berlin'])('cannot be "%s"', (name) => {
    expect(isTimeZone(name)).toBe(false);
  });
});

/** Swedish writes times as the wire does, nearly. */
function swedish(timeZone: string): (time: Millis) => string {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    dateStyle: 'short',
    timeStyle: 'medium',
  });
  return (time) => {
    return `${format.format(time).replace(' ', 'T')}.${String(time % 1_000).padStart(3, '0')}Z`;
  };
}
