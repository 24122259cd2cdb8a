// What is wrong with a tariff although its fields are of the right kinds: each flaw by its place, in words for the
// operator who wrote it.

import type { Minor } from '../money.ts';
import { WEEK_MINUTES } from './schedule.ts';
import type { Cap, Phase, Rule, Tariff, TariffVersion, WeekWindow } from './tariff.ts';

export interface Flaw {
  /** As a person writes it: `versions[0].rules[1].phases[0].forMinutes`. */
  readonly path: string;
  readonly message: string;
}

const DAY_MINUTES = 1_440;
const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

/** All flaws, one a place; none where `charge` may be asked. */
export function flawsOf({ versions }: Tariff): Flaw[] {
  const flaws = versions.flatMap((version, index) => [
    ...orderFlaws(version, versions[index - 1], `versions[${index}]`),
    ...versionFlaws(version).map(({ path, message }) => ({
      path: `versions[${index}].${path}`,
      message,
    })),
  ]);
  return flaws.filter(({ path }, index) => index === flaws.findIndex((flaw) => flaw.path === path));
}

function orderFlaws(
  version: TariffVersion,
  before: TariffVersion | undefined,
  path: string,
): Flaw[] {
  if (before === undefined || version.effectiveFrom > before.effectiveFrom) return [];
  const message = 'must be later than in the version before: each is in force until the next';
  return [{ path: `${path}.effectiveFrom`, message }];
}

function versionFlaws(version: TariffVersion): Flaw[] {
  const { first, rules, caps } = version;
  return [
    ...first.flatMap((phase, index) => [
      ...(phase.forMinutes === null ? [endless(`first[${index}]`, 'the rules')] : []),
      ...unitFlaws(phase, `first[${index}]`),
    ]),
    ...rules.flatMap((rule, index) => ruleFlaws(rule, `rules[${index}]`)),
    ...nameFlaws(rules),
    ...otherwiseFlaws(rules),
    ...overlapFlaws(rules),
    ...caps.flatMap(capFlaws),
    ...caps.flatMap((cap, index) => cutFlaws(cap, version, `caps[${index}].max`)),
  ];
}

function ruleFlaws({ phases, windows }: Rule, path: string): Flaw[] {
  const lengthMinutes = longest(windows);
  let startMinute = 0;
  return phases.flatMap((phase, index) => {
    const isLast = index === phases.length - 1;
    const at = `${path}.phases[${index}]`;
    const flaws = unitFlaws(phase, at);
    if (isLast && phase.forMinutes !== null) {
      const message = 'must be left out in the last phase: it goes on as long as the rule applies';
      flaws.push({ path: `${at}.forMinutes`, message });
    }
    if (!isLast && phase.forMinutes === null) flaws.push(endless(at, 'the next phase'));
    if (startMinute >= lengthMinutes) {
      const message = `is never reached: the rule applies for ${lengthMinutes} minutes at a time, and the phases before take ${startMinute}`;
      flaws.push({ path: at, message });
    }
    startMinute += phase.forMinutes ?? 0;
    return flaws;
  });
}

function endless(path: string, next: string): Flaw {
  return {
    path: `${path}.forMinutes`,
    message: `is missing: without it, ${next} would never come`,
  };
}

function unitFlaws({ perMinutes, forMinutes }: Phase, path: string): Flaw[] {
  if (perMinutes === null || forMinutes === null || forMinutes % perMinutes === 0) return [];
  const message = `must be a whole number of units, and ${forMinutes} is no multiple of ${perMinutes}`;
  return [{ path: `${path}.forMinutes`, message }];
}

function nameFlaws(rules: readonly Rule[]): Flaw[] {
  return rules.flatMap(({ name }, index) => {
    const twin = rules.findIndex((rule) => rule.name === name);
    if (twin === index) return [];
    return [{ path: `rules[${index}].name`, message: `is the name of rules[${twin}] already` }];
  });
}

function otherwiseFlaws(rules: readonly Rule[]): Flaw[] {
  const always = rules.flatMap(({ windows }, index) => (windows === null ? [index] : []));
  return always.slice(1).map((index) => ({
    path: `rules[${index}]`,
    message: `has no hours, and rules[${always[0]}] has none: only one rule may apply to all the rest`,
  }));
}

function overlapFlaws(rules: readonly Rule[]): Flaw[] {
  const windows = rules.flatMap((rule, index) =>
    (rule.windows ?? []).map((window) => ({ window, index, name: rule.name })),
  );
  return windows.flatMap(({ window, index }, at) => {
    const other = windows
      .slice(0, at)
      .find((earlier) => overlapOf(window, earlier.window) !== null);
    if (other === undefined) return [];
    const when = weekTime(overlapOf(window, other.window) ?? 0);
    const message = `overlaps with rules[${other.index}] ("${other.name}") from ${when}`;
    return [{ path: `rules[${index}]`, message }];
  });
}

/** The minute of the week from which two windows overlap; null where they do not. */
function overlapOf(left: WeekWindow, right: WeekWindow): number | null {
  for (const shift of [-WEEK_MINUTES, 0, WEEK_MINUTES]) {
    const start = Math.max(left.startMinute, right.startMinute + shift);
    if (start < Math.min(left.endMinute, right.endMinute + shift)) return start % WEEK_MINUTES;
  }
  return null;
}

function capFlaws(cap: Cap, index: number, caps: readonly Cap[]): Flaw[] {
  return caps.flatMap((other, no) => {
    if (no < index && isSameWindow(cap, other)) {
      return [{ path: `caps[${index}]`, message: `is for the same windows as caps[${no}]` }];
    }
    if (other.max > cap.max || !isPartOf(cap, other)) return [];
    const message = `is never reached: caps[${no}] allows no more in a longer time`;
    return [{ path: `caps[${index}].max`, message }];
  });
}

function isSameWindow(left: Cap, right: Cap): boolean {
  return left.per === right.per || minutesOf(left) === minutesOf(right);
}

/** Each window of the one lies in one window of the other, which is longer. */
function isPartOf(short: Cap, long: Cap): boolean {
  if (long.per === 'stay') return short.per !== 'stay';
  const [part, whole] = [minutesOf(short), minutesOf(long)];
  return whole > part && whole % part === 0;
}

/** Never the same twice for what has no fixed length. */
function minutesOf({ per }: Cap): number {
  return typeof per === 'string' ? Number.NaN : per.minutes;
}

/** A price above a cap is never charged in full: one of the two is a mistake. */
function cutFlaws({ max }: Cap, { first, rules }: TariffVersion, path: string): Flaw[] {
  const lists = [
    { at: 'first', phases: first },
    ...rules.map(({ phases }, index) => ({ at: `rules[${index}].phases`, phases })),
  ];
  return lists.flatMap(({ at, phases }) =>
    phases.flatMap(({ amount }, index) =>
      amount > max ? [cut(path, `${at}[${index}]`, amount)] : [],
    ),
  );
}

function cut(path: string, phase: string, amount: Minor): Flaw {
  return { path, message: `is below the ${amount} that ${phase} charges at once` };
}

function longest(windows: readonly WeekWindow[] | null): number {
  if (windows === null) return Number.POSITIVE_INFINITY;
  return Math.max(...windows.map(({ startMinute, endMinute }) => endMinute - startMinute));
}

function weekTime(minute: number): string {
  const two = (part: number): string => String(part).padStart(2, '0');
  const day = DAYS[Math.floor(minute / DAY_MINUTES)] ?? '';
  const ofDay = minute % DAY_MINUTES;
  return `${day} ${two(Math.floor(ofDay / 60))}:${two(ofDay % 60)}`;
}
