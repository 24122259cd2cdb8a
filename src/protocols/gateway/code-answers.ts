// What operators are answered about what the codes of a party are made of.

import { readBack } from '../../switch/failures.ts';
import type { CodedKind, CodeFields } from '../../switch/qr.ts';
import { problemOfFormat } from '../known-formats.ts';
import type { Problem } from '../problem-document.ts';
import {
  type Answer,
  type Answering,
  type Asked,
  changedAnswer,
  foundAnswer,
} from './operator-answers.ts';
import type { OperatorOptions } from './options.ts';

const UNKNOWN: Problem = { code: 'party.notFound' };

export function codeAnswers({ desk, hosted }: OperatorOptions, kind: CodedKind) {
  const show = async ({ acting, params }: Asked): Promise<Answer> => {
    const id = params.partyId ?? '';
    const codes = await desk.codes(acting.scope, kind, id);
    return foundAnswer(codes, UNKNOWN, (found) => ({ kind, id, ...found }));
  };
  return {
    codes: show,
    changeCodes: async (asked) => {
      const { acting, params, body } = asked;
      const id = params.partyId ?? '';
      const fields = body as CodeFields;
      const problem = problemOfFormat('format', fields.format, hosted);
      if (problem !== undefined && !(await desk.isRepeat(acting))) return problem;
      const changed = await desk.changeCodes(acting, kind, id, fields);
      const isDone = changed.is === 'done' || changed.is === 'repeated';
      return isDone ? readBack(show(asked)) : changedAnswer(changed, UNKNOWN, () => ({}));
    },
  } satisfies Record<string, Answering>;
}
