// A refusal before and after it is written (RFC 9457).

import type { SwitchRejection } from '../switch/requests.ts';
import { type ProblemCode, type ProblemSpec, problems } from './problems.ts';

/** One thing wrong with a request: `path` names the field, parameter or header. */
export interface Violation {
  readonly path: string;
  readonly message: string;
}

/** A refusal before it is written: `members` are the typed members that its code carries. */
export interface Problem {
  readonly code: ProblemCode;
  readonly detail?: string;
  readonly errors?: readonly Violation[];
  readonly members?: Readonly<Record<string, unknown>>;
}

/** The problem document of RFC 9457, ready to be encoded. */
export function problemBody(problem: Problem, requestId: string): Record<string, unknown> {
  const spec: ProblemSpec = problems[problem.code];
  const body: Record<string, unknown> = {
    type: `/problems/${problem.code}`,
    title: spec.title,
    status: spec.status,
    detail: problem.detail ?? spec.meaning,
    code: problem.code,
    retryable: spec.retryable,
    requestId,
  };
  if (problem.errors !== undefined) body.errors = problem.errors;
  if (problem.members !== undefined) Object.assign(body, problem.members);
  return body;
}

/** What the switch refused, as a problem: the members of the rejection are members of the document. */
export function problemOfRejection(rejection: SwitchRejection): Problem {
  const { rejected, ...rest } = rejection;
  if (rejected === 'forbidden') return { code: 'request.forbidden' };
  const members = withoutStatus(rejected, rest);
  return Object.keys(members).length === 0 ? { code: rejected } : { code: rejected, members };
}

/** `status` is the answer's own in a problem document: that of a bill, payment or credit goes by another name. */
function withoutStatus(code: string, members: Record<string, unknown>): Record<string, unknown> {
  const { status, ...rest } = members;
  if (status === undefined) return members;
  const [noun] = code.split('.');
  const isPart = noun === 'credit' || noun === 'payment';
  return { ...rest, [isPart ? `${noun}Status` : 'billStatus']: status };
}

/** A request that could not be read, with what is wrong where. */
export function invalid(errors: readonly Violation[]): Problem {
  const shown = errors.map(({ path, message }) => ({ path: shownPath(path), message }));
  const first = shown[0];
  const detail =
    first === undefined
      ? 'The request cannot be read.'
      : `${first.path === '' ? 'the body' : first.path}: ${first.message}`;
  return { code: 'request.invalid', detail, errors: shown };
}

const PATH_MAX = 200;
const UNFIT = /[\p{Surrogate}\0]/gu;

/** Clients choose names too: a path that holds one is cut, and told in text that both encodings carry. */
function shownPath(path: string): string {
  return path.slice(0, PATH_MAX).replaceAll(UNFIT, '\ufffd');
}
