// What operators are answered about the tariffs that they keep for merchants.

import { parseReference } from '../../domain/ids.ts';
import type { KeptTariff, ReadTariff, TariffName } from '../../switch/tariffs.ts';
import { invalid, type Problem } from '../problem-document.ts';
import { readTariff } from '../schemas/tariff.ts';
import {
  type Answering,
  type Asked,
  changedAnswer,
  foundAnswer,
  pageAnswer,
  textOf,
  timeOf,
} from './operator-answers.ts';
import type { OperatorOptions } from './options.ts';

const UNKNOWN: Problem = { code: 'tariff.notFound' };
const NAME_RULE = 'must be 1 to 64 of A-Za-z0-9._:-';

export function tariffAnswers({ tariffDesk: desk, clock }: OperatorOptions) {
  return {
    put: async ({ acting, params, body }) => {
      const of = nameIn(params);
      if (parseReference(of.name) === undefined) {
        return invalid([{ path: 'tariffName', message: NAME_RULE }]);
      }
      const { violations } = readTariff(body);
      if (violations !== undefined) return invalid(violations);
      return changedAnswer(await desk.put(acting, of, body), { code: 'party.notFound' }, showKept);
    },
    list: (asked) =>
      pageAnswer(asked, clock, showKept, (scope, page) =>
        desk.list(scope, textOf(asked.query.merchantId), page),
      ),
    get: async ({ acting, params, query }) => {
      const { revision } = query;
      const no = typeof revision === 'number' ? revision : null;
      const tariff = await desk.read(acting.scope, nameIn(params), no);
      return foundAnswer(tariff, UNKNOWN, showRead);
    },
    end: async ({ acting, params }) =>
      changedAnswer(await desk.end(acting, nameIn(params)), UNKNOWN, showKept),
  } satisfies Record<string, Answering>;
}

function nameIn({ merchantId = '', tariffName = '' }: Asked['params']): TariffName {
  return { merchantId, name: tariffName };
}

function showKept({ endedAt, createdAt, ...tariff }: KeptTariff): object {
  return { ...tariff, endedAt: timeOf(endedAt), createdAt: timeOf(createdAt) };
}

function showRead({ revisions, ...tariff }: ReadTariff): object {
  const shown = revisions.map(({ putAt, ...each }) => ({ ...each, putAt: timeOf(putAt) }));
  return { ...showKept(tariff), revisions: shown };
}
