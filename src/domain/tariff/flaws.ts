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

/** All flaws; none where `charge` may be asked. */
export function flawsOf({ versions }: Tariff): Flaw[] {
  return versions.flatMap((version, index) => [
    ...orderFlaws(version, versions[index - 1], `versions[${index}]`),
    ...versionFlaws(version).map(({ path, message }) => ({
      path: `versions[${index}].${path}`,
      message,
    })),
  ]);
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
    ...caps.flatMap((cap, index) => capFlaws(cap, caps.slice(0, index), `caps[${index}]`)),
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
    message: `has no hours, as rules[${always[0]}] has none: only one rule may apply to all the rest`,
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

function capFlaws(cap: Cap, before: readonly Cap[], path: string): Flaw[] {
  return before.flatMap((other, index) => {
    const [length, otherLength] = [lengthOf(cap), lengthOf(other)];
    if (length === otherLength && isDay(cap) === isDay(other)) {
      return [{ path, message: `is for the same windows as caps[${index}]` }];
    }
    const isAbove = length < otherLength ? cap.max > other.max : other.max > cap.max;
    if (!isAbove || isDay(cap) || isDay(other)) return [];
    const [long, short] =
      length < otherLength ? [`caps[${index}]`, path] : [path, `caps[${index}]`];
    return [
      {
        path: `${path}.max`,
        message: `leaves ${short} without effect: ${long} is lower, and for longer`,
      },
    ];
  });
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

function isDay({ per }: Cap): boolean {
  return per === 'day';
}

function lengthOf({ per }: Cap): number {
  if (per === 'stay') return Number.POSITIVE_INFINITY;
  return per === 'day' ? DAY_MINUTES : per.minutes;
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
