// Which rule applies when. The hours of a week, laid on real time by the clock of a zone.

import { DAY_MS, MINUTE_MS, type Millis } from '../time.ts';
import type { Rule, WeekWindow } from './tariff.ts';
import type { WallMs, Zone } from './zone.ts';

export const WEEK_MINUTES = 10_080;

const WEEK_MS = 7 * DAY_MS;
/** The clock's time began on a Thursday. */
const FIRST_MONDAY_MS = 4 * DAY_MS;

/** The windows of all rules, in the order of the week, and the rule for all other time; null: that is free. */
interface Schedule {
  readonly windows: readonly Window[];
  readonly otherwise: Rule | null;
}

interface Window extends WeekWindow {
  readonly rule: Rule;
}

/** Time under one rule: one window of it, or what lies between two windows. */
export interface Stretch {
  readonly rule: Rule | null;
  /** Never beyond the horizon that was asked for. */
  readonly until: number;
}

/** Rules never change, so what is made of them is kept for as long as they are. */
const schedules = new WeakMap<readonly Rule[], Schedule>();

/** The stretch that an instant lies in. */
export function stretchAt(
  rules: readonly Rule[],
  zone: Zone,
  at: Millis,
  horizon: number,
): Stretch {
  const { windows, otherwise } = scheduleOf(rules);
  const window = windowAt(windows, zone, at);
  if (window === null) return { rule: otherwise, until: horizon };
  if (at < window.from) return { rule: otherwise, until: Math.min(window.from, horizon) };
  return { rule: window.rule, until: Math.min(window.until, horizon) };
}

/** The window that is open at an instant, or the next to open; null where there are none. */
function windowAt(
  windows: readonly Window[],
  zone: Zone,
  at: Millis,
): (Stretch & { readonly from: Millis }) | null {
  if (windows.length === 0) return null;
  const wall = zone.wallAt(at);
  // A window is no longer than a week: one that is open now has opened in this week or in the last.
  for (let week = weekStart(wall) - WEEK_MS; ; week += WEEK_MS) {
    for (const { startMinute, endMinute, rule } of windows) {
      const endWall = (week + endMinute * MINUTE_MS) as WallMs;
      if (endWall <= wall) continue;
      const until = zone.firstAt(endWall);
      const from = zone.firstAt((week + startMinute * MINUTE_MS) as WallMs);
      // Closed already, and the clock was set back since; or never open, since the clock skipped it (T5 in tariff.ts).
      if (until > at && until > from) return { rule, from, until };
    }
  }
}

function scheduleOf(rules: readonly Rule[]): Schedule {
  const known = schedules.get(rules);
  if (known !== undefined) return known;
  const windows = rules
    .flatMap((rule) => (rule.windows ?? []).map((window) => ({ ...window, rule })))
    .sort((left, right) => left.startMinute - right.startMinute);
  const otherwise = rules.find((rule) => rule.windows === null) ?? null;
  const schedule = { windows, otherwise };
  schedules.set(rules, schedule);
  return schedule;
}

/** The first instant of the next local day. */
export function nextDayAt(zone: Zone, at: Millis): Millis {
  const today = Math.floor(zone.wallAt(at) / DAY_MS) * DAY_MS;
  const next = zone.firstAt((today + DAY_MS) as WallMs);
  // Where the clock was set back over midnight, that day has begun before.
  return next > at ? next : zone.firstAt((today + 2 * DAY_MS) as WallMs);
}

function weekStart(wall: WallMs): number {
  return Math.floor((wall - FIRST_MONDAY_MS) / WEEK_MS) * WEEK_MS + FIRST_MONDAY_MS;
}
