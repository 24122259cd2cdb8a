// What operators are answered about agreements between institutions.

import type { MadeAgreement } from '../../switch/operator-desk.ts';
import { invalid, type Problem } from '../problem-document.ts';
import type { OperatorRequestBody } from '../schemas/operator.ts';
import { parseTime } from '../wire-time.ts';
import {
  type Answering,
  changedAnswer,
  foundAnswer,
  pageAnswer,
  textOf,
  timeOf,
} from './operator-answers.ts';
import type { OperatorOptions } from './options.ts';

const UNKNOWN: Problem = { code: 'agreement.notFound' };

export function agreementAnswers({ desk, clock }: OperatorOptions) {
  const { agreements } = desk;
  return {
    add: async ({ acting, body }) => {
      const { since, ...sides } = body as OperatorRequestBody<'operator.agreement.add'>;
      if (sides.billingInstitutionId === sides.payingInstitutionId) {
        return invalid([{ path: 'payingInstitutionId', message: 'must be another institution' }]);
      }
      const from = since === undefined ? null : (parseTime(since) ?? null);
      // A retry keeps its outcome, although the time has come meanwhile.
      if (from !== null && from < clock.wall() && !(await desk.isRepeat(acting))) {
        return invalid([{ path: 'since', message: 'must not be in the past' }]);
      }
      const agreed = await agreements.add(acting, { ...sides, since: from });
      if (agreed.is === 'modesDiffer') return { code: 'agreement.modesDiffer' };
      if (agreed.is === 'exists') {
        return { code: 'agreement.exists', members: { agreementId: agreed.id } };
      }
      return changedAnswer(agreed, { code: 'party.notFound' }, show, 201);
    },
    list: (asked) =>
      pageAnswer(asked, clock, show, (scope, page) =>
        agreements.list(scope, textOf(asked.query.institutionId), page),
      ),
    get: async ({ acting, params }) => {
      const agreement = await agreements.find(acting.scope, params.agreementId ?? '');
      return foundAnswer(agreement, UNKNOWN, show);
    },
    end: async ({ acting, params }) =>
      changedAnswer(await agreements.end(acting, params.agreementId ?? ''), UNKNOWN, show),
  } satisfies Record<string, Answering>;
}

function show({ since, endedAt, createdAt, ...agreement }: MadeAgreement): object {
  return {
    ...agreement,
    since: timeOf(since),
    endedAt: timeOf(endedAt),
    createdAt: timeOf(createdAt),
  };
}
