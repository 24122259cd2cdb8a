// What the `type` of a problem leads to, and the table of all of them.

import { escapeHtml, htmlPage, prose } from './html.ts';
import { PROBLEM_CODES, type ProblemCode, type ProblemSpec, problems } from './problems.ts';

/** The page of one code. */
export function problemPage(code: ProblemCode): string {
  const spec: ProblemSpec = problems[code];
  return htmlPage(
    `${code}: ${spec.title}`,
    `<h1>${escapeHtml(spec.title)}</h1>
<table><tr><th>Code</th><td><code>${escapeHtml(code)}</code></td></tr>
<tr><th>Status</th><td>${spec.status}</td></tr>
<tr><th>Retry unchanged?</th><td>${spec.retryable ? 'yes' : 'no'}</td></tr></table>
<p>${prose(spec.meaning)}</p><p><a href="/docs/errors">All problems</a> · <a href="/docs">All calls</a></p>`,
  );
}

/** For a code that does not exist; it is not repeated. */
export function unknownProblemPage(): string {
  return htmlPage(
    'No such problem',
    '<h1>No such problem</h1><p>The switch has no problem of this code. <a href="/docs/errors">All problems</a></p>',
  );
}

/** The table of all codes, by status. */
export function problemsTablePage(): string {
  return htmlPage('Problems', `<h1>Problems</h1><p>${prose(INTRODUCTION)}</p>${problemsTable()}`);
}

const INTRODUCTION =
  'Every refusal is `application/problem+json` (RFC 9457) with `type`, `title`, `status`, `detail`, `code`, `retryable`, `requestId`, for bad input `errors: [{ path, message }]`, and the members that its code names.';

function problemsTable(): string {
  const codes = [...PROBLEM_CODES].sort(
    (left, right) => problems[left].status - problems[right].status,
  );
  const rows = codes.map((code) => {
    const spec: ProblemSpec = problems[code];
    return `<tr><td>${spec.status}</td><td><a href="/problems/${escapeHtml(code)}"><code>${escapeHtml(code)}</code></a></td><td>${spec.retryable ? 'yes' : 'no'}</td><td><strong>${escapeHtml(spec.title)}.</strong> ${prose(spec.meaning)}</td></tr>`;
  });
  return `<table><thead><tr><th>Status</th><th>Code</th><th>Retry</th><th>What it means and what to do</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}
