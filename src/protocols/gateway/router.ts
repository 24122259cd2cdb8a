// Which call an address is. A small tree, so that a wrong method can be told from a wrong path.

import type { Call, Method } from '../call.ts';
import { calls } from '../calls.ts';
import { isPlainText } from '../schemas/validation.ts';

export type Found =
  | {
      readonly found: 'call';
      readonly call: Call;
      readonly params: Readonly<Record<string, string>>;
    }
  | { readonly found: 'otherMethod'; readonly allow: string }
  | { readonly found: 'nothing' };

interface Place {
  readonly literals: Map<string, Place>;
  parameter: Place | null;
  readonly calls: Map<string, { call: Call; names: readonly string[] }>;
}

const NOTHING: Found = { found: 'nothing' };
const SEGMENTS_MAX = 12;

const root = emptyPlace();
for (const call of calls) insert(call);

/** The call of a method (`GET`) and path, with the path’s parameters decoded. HEAD is found as GET. */
export function findCall(method: string, path: string): Found {
  const segments = path.split('/');
  if (segments.length > SEGMENTS_MAX) return NOTHING;
  const values: string[] = [];
  let place: Place = root;
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i] ?? '';
    const literal = place.literals.get(segment);
    if (literal !== undefined) {
      place = literal;
      continue;
    }
    if (place.parameter === null || segment === '') return NOTHING;
    const value = decoded(segment);
    if (value === undefined) return NOTHING;
    values.push(value);
    place = place.parameter;
  }
  if (place.calls.size === 0) return NOTHING;
  const match = place.calls.get(method === 'HEAD' ? 'GET' : method);
  if (match === undefined)
    return { found: 'otherMethod', allow: [...place.calls.keys()].join(', ') };
  return { found: 'call', call: match.call, params: paramsOf(match.names, values) };
}

function paramsOf(names: readonly string[], values: readonly string[]): Record<string, string> {
  const params: Record<string, string> = {};
  for (let i = 0; i < names.length; i++) params[names[i] ?? ''] = values[i] ?? '';
  return params;
}

function insert(call: Call): void {
  const names: string[] = [];
  let place = root;
  for (const segment of call.path.split('/').slice(1)) {
    if (segment.startsWith('{')) {
      names.push(segment.slice(1, -1));
      place.parameter ??= emptyPlace();
      place = place.parameter;
    } else {
      let next = place.literals.get(segment);
      if (next === undefined) {
        next = emptyPlace();
        place.literals.set(segment, next);
      }
      place = next;
    }
  }
  place.calls.set(call.method satisfies Method, { call, names });
}

function emptyPlace(): Place {
  return { literals: new Map(), parameter: null, calls: new Map() };
}

function decoded(segment: string): string | undefined {
  if (!segment.includes('%')) return segment;
  try {
    const text = decodeURIComponent(segment);
    return isPlainText(text) ? text : undefined;
  } catch {
    return undefined;
  }
}
