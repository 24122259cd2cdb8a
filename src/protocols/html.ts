// Pages: self-contained, escaped, with a policy that lets nothing in from outside.

import { createHash } from 'node:crypto';

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--soft:#8882;--accent:#0a7f5a}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1.5rem}
h1{font-size:1.6rem}h2{margin-top:2.5rem;border-bottom:1px solid var(--line)}
code,pre{font-family:ui-monospace,monospace;font-size:.9em}code{background:var(--soft);padding:.1em .3em;border-radius:.2em;overflow-wrap:anywhere}
pre{background:var(--soft);padding:.8em;border-radius:.4em;overflow:auto}
table{border-collapse:collapse;width:100%;font-size:.92em}th,td{text-align:left;vertical-align:top;padding:.35em .6em;border-bottom:1px solid var(--line)}
details{border:1px solid var(--line);border-radius:.4em;margin:.5em 0;padding:.4em .8em}summary{cursor:pointer}
.method{display:inline-block;min-width:4.2em;font-weight:700;color:var(--accent)}.soft{opacity:.75}
.bill{max-width:24rem;margin:10vh auto;text-align:center}.bill .amount{font-size:2.4rem;font-weight:700;margin:.3em 0}
.test{margin:0;padding:.5em;text-align:center;font-weight:700;background:#b3261e;color:#fff;border-radius:.4em}
.code svg{width:16rem;height:auto;max-width:100%}
.state{display:inline-block;padding:.2em .9em;border-radius:1em;background:var(--soft)}
`;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** What pages may load: their own style, and nothing else. */
const CONTENT_SECURITY_POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** Headers of every page. */
export const PAGE_HEADERS: readonly (readonly [string, string])[] = [
  ['Content-Security-Policy', CONTENT_SECURITY_POLICY],
  ['X-Content-Type-Options', 'nosniff'],
  ['Referrer-Policy', 'no-referrer'],
];

export const HTML_TYPE = 'text/html; charset=utf-8';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as it may stand in an element or a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}

/** A whole page; `body` is HTML. */
export function htmlPage(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>${body}</body></html>`;
}

/** Escaped text in which `backquoted` words become code. */
export function prose(text: string): string {
  return escapeHtml(text).replace(/`([^`]+)`/g, '<code>$1</code>');
}
