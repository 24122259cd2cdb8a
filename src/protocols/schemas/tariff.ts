// How a tariff as an operator writes it (tariff-schema.ts) becomes the tariff that the domain charges by. What a schema
// cannot say is said in the same words: the place, and what is wrong there.

import { TypeCompiler } from '@sinclair/typebox/compiler';
import { must } from '../../domain/assert.ts';
import { type Currency, minor } from '../../domain/money.ts';
import { flawsOf } from '../../domain/tariff/flaws.ts';
import { WEEK_MINUTES } from '../../domain/tariff/schedule.ts';
import type { Cap, Phase, Rule, Tariff, WeekWindow } from '../../domain/tariff/tariff.ts';
import { isTimeZone } from '../../domain/tariff/zone.ts';
import type { Violation } from '../problem-document.ts';
import { parseTime } from '../wire-time.ts';
import {
  type CapDocument,
  type PhaseDocument,
  type RuleDocument,
  type TariffDocument,
  tariffSchema,
  WEEKDAYS,
} from './tariff-schema.ts';
import { collect, VIOLATIONS_MAX } from './validation.ts';

const DAY_MINUTES = 1_440;

export type TariffReading =
  | { readonly tariff: Tariff; readonly violations?: undefined }
  | { readonly tariff?: undefined; readonly violations: readonly Violation[] };

const check = TypeCompiler.Compile(tariffSchema);

/** Reads a tariff, or says what is wrong with it: every place that was found, up to a bound. */
export function readTariff(document: unknown): TariffReading {
  if (!check.Check(document)) return { violations: collect(check.Errors(document), 'tariff') };
  const shapeless = shapeViolations(document);
  if (shapeless.length > 0) return { violations: shapeless.slice(0, VIOLATIONS_MAX) };
  const tariff = tariffOf(document);
  const flaws = flawsOf(tariff);
  return flaws.length > 0 ? { violations: flaws.slice(0, VIOLATIONS_MAX) } : { tariff };
}

/** Fields that do not go together, so that they mean nothing. */
function shapeViolations({ timeZone, versions }: TariffDocument): Violation[] {
  const zone = isTimeZone(timeZone)
    ? []
    : [{ path: 'timeZone', message: `is no time zone of the IANA database: ${timeZone}` }];
  return versions.reduce<Violation[]>((found, { rules, caps = [] }, index) => {
    const at = `versions[${index}]`;
    rules.forEach((each, no) => {
      found.push(...hoursViolations(each, `${at}.rules[${no}]`));
    });
    caps.forEach((each, no) => {
      found.push(...capViolations(each, `${at}.caps[${no}]`));
    });
    return found;
  }, zone);
}

function hoursViolations({ days, from, to }: RuleDocument, path: string): Violation[] {
  if (from === undefined && to === undefined) return [];
  if (from === undefined) return [{ path: `${path}.from`, message: 'is missing beside `to`' }];
  if (to === undefined) return [{ path: `${path}.to`, message: 'is missing beside `from`' }];
  const [opens, closes] = [clockOf(from), clockOf(to)];
  if ((opens.weekday === null) !== (closes.weekday === null)) {
    return [{ path: `${path}.to`, message: 'must name a weekday if `from` does, and only then' }];
  }
  if (opens.weekday === null || days === undefined) return [];
  return [
    { path: `${path}.days`, message: 'must be left out where `from` and `to` name weekdays' },
  ];
}

function capViolations({ per, perMinutes }: CapDocument, path: string): Violation[] {
  if ((per === undefined) !== (perMinutes === undefined)) return [];
  return [{ path, message: 'must have one of `per` and `perMinutes`' }];
}

function tariffOf(document: TariffDocument): Tariff {
  return {
    currency: document.currency as Currency,
    timeZone: document.timeZone,
    versions: document.versions.map((each) => ({
      effectiveFrom: must(parseTime(each.effectiveFrom), 'a time that fits its schema'),
      graceSeconds: each.graceSeconds,
      quoteSeconds: each.quoteSeconds,
      first: (each.first ?? []).map(phaseOf),
      rules: each.rules.map(ruleOf),
      caps: (each.caps ?? []).map(capOf),
    })),
  };
}

function ruleOf(document: RuleDocument): Rule {
  return {
    name: document.name,
    windows: windowsOf(document),
    phases: document.phases.map(phaseOf),
  };
}

function phaseOf({ amount: each, perMinutes, forMinutes }: PhaseDocument): Phase {
  return { amount: minor(each), perMinutes: perMinutes ?? null, forMinutes: forMinutes ?? null };
}

function capOf({ max, per, perMinutes }: CapDocument): Cap {
  return { max: minor(max), per: per ?? { minutes: must(perMinutes, 'the length of a window') } };
}

function windowsOf({ days, from, to }: RuleDocument): readonly WeekWindow[] | null {
  if (days === undefined && from === undefined) return null;
  const [opens, closes] = [clockOf(from ?? '00:00'), clockOf(to ?? '24:00')];
  if (opens.weekday !== null) {
    return [window(minuteOfWeek(opens), minuteOfWeek(closes), WEEK_MINUTES)];
  }
  return WEEKDAYS.flatMap((day, weekday) => {
    if (days !== undefined && !days.includes(day)) return [];
    const start = minuteOfWeek({ ...opens, weekday });
    return [window(start, minuteOfWeek({ ...closes, weekday }), DAY_MINUTES)];
  });
}

/** What does not close after it opens closes a day or a week later. */
function window(startMinute: number, endMinute: number, later: number): WeekWindow {
  return { startMinute, endMinute: endMinute > startMinute ? endMinute : endMinute + later };
}

interface Clock {
  readonly weekday: number | null;
  readonly minute: number;
}

function clockOf(written: string): Clock {
  const [time = '', day] = written.split(' ').reverse();
  const [hour, minute] = time.split(':').map(Number);
  const weekday = (WEEKDAYS as readonly unknown[]).indexOf(day);
  return { weekday: weekday < 0 ? null : weekday, minute: Number(hour) * 60 + Number(minute) };
}

function minuteOfWeek({ weekday, minute }: Clock): number {
  return (weekday ?? 0) * DAY_MINUTES + minute;
}
