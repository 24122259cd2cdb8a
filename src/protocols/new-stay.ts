// What a create says of a stay: when it began, and by which tariff, its own or one that operators keep for the merchant.

import { TypeCompiler } from '@sinclair/typebox/compiler';
import { must } from '../domain/assert.ts';
import { STAY_MAX_MS, type Tariff, versionAt } from '../domain/tariff/tariff.ts';
import { MINUTE_MS, type Millis } from '../domain/time.ts';
import type { SwitchRejection } from '../switch/requests.ts';
import type { Tariffs } from '../switch/tariffs.ts';
import type { Violation } from './problem-document.ts';
import type { RequestBody } from './schemas/requests.ts';
import { type TariffByName, tariffByName } from './schemas/stay-requests.ts';
import { readTariff, type TariffReading } from './schemas/tariff.ts';
import { collect, VIOLATIONS_MAX } from './schemas/validation.ts';
import { parseTime } from './wire-time.ts';

type Create = RequestBody<'bill.create'>;

/** How far a terminal's clock may be ahead of ours. */
const AHEAD_MAX_MS = MINUTE_MS;
const byName = TypeCompiler.Compile(tariffByName);

/** What is wrong with a create of a timer bill, but for what only the kept tariff that it names can tell. */
export function stayViolations(request: Create, now: Millis): Violation[] {
  const { amount, tariff } = request;
  const violations: Violation[] = [];
  if (amount !== undefined) {
    violations.push({
      path: 'amount',
      message: 'does not go with timer bills: the tariff says it',
    });
  }
  if (tariff === undefined) return [...violations, { path: 'tariff', message: 'is missing' }];
  const own = namesOne(tariff) ? null : readTariff(tariff);
  const flaws = own === null ? nameViolations(tariff) : documentViolations(own, request);
  violations.push(...flaws, ...startViolations(request, now));
  // Which version is in force can be told of a start that can be.
  if (violations.length === 0 && own?.tariff && !isInForce(own.tariff, request.startedAt, now)) {
    const message = 'has no version in force when the stay starts';
    violations.push({ path: 'tariff.versions', message });
  }
  return violations.slice(0, VIOLATIONS_MAX);
}

/**
 * The tariff of a create that nothing is wrong with: its own, or the newest revision of the one that it names. Where that
 * cannot be had, why: nothing new can be made of it, though a bill may have been made of the same create before.
 */
export function tariffFor(
  { tariff, currency, startedAt }: Create,
  of: { merchantId: string; tariffs: Tariffs; now: Millis },
): Tariff | SwitchRejection | null {
  if (tariff === undefined) return null;
  if (!namesOne(tariff)) return must(readTariff(tariff).tariff, 'a tariff without flaws');
  const { name } = tariff;
  const kept = of.tariffs.find(of.merchantId, name);
  if (kept === undefined) return { rejected: 'tariff.unknown', name };
  if (kept.currency !== currency) {
    return { rejected: 'tariff.currencyMismatch', name, currency: kept.currency };
  }
  if (isInForce(kept, startedAt, of.now)) return kept;
  return { rejected: 'tariff.notInForce', name };
}

function nameViolations(tariff: object): Violation[] {
  return byName.Check(tariff) ? [] : placed(collect(byName.Errors(tariff), 'tariff'));
}

function documentViolations(
  { tariff, violations }: TariffReading,
  { currency }: Create,
): Violation[] {
  if (tariff === undefined) return placed(violations);
  if (tariff.currency === currency) return [];
  return [{ path: 'tariff.currency', message: 'must be the currency of the bill' }];
}

function placed(violations: readonly Violation[]): Violation[] {
  return violations.map(({ path, message }) => ({
    path: path === '' ? 'tariff' : `tariff.${path}`,
    message,
  }));
}

/** A document has versions, and no name. */
function namesOne(tariff: NonNullable<Create['tariff']>): tariff is TariffByName {
  return 'name' in tariff && !('versions' in tariff);
}

function isInForce(tariff: Tariff, startedAt: string | undefined, now: Millis): boolean {
  return versionAt(tariff, timeOf(startedAt) ?? now) !== undefined;
}

function startViolations({ startedAt }: Create, now: Millis): Violation[] {
  const path = 'startedAt';
  const start = timeOf(startedAt) ?? now;
  if (start > now + AHEAD_MAX_MS) return [{ path, message: 'must not be in the future' }];
  if (start > now - STAY_MAX_MS) return [];
  return [{ path, message: 'must not be more than 366 days ago' }];
}

function timeOf(text: string | undefined): Millis | null {
  return text === undefined ? null : (parseTime(text) ?? null);
}
