// What comes later.

import type { Problem } from './problem-document.ts';
import { LATER_FIELDS } from './schemas/new-bill-request.ts';
import type { RequestName } from './schemas/requests.ts';

/** Fields that later versions take are refused by name: the client is not wrong, only early. */
export function featureProblem(name: RequestName, body: unknown): Problem | undefined {
  if (body === null || typeof body !== 'object') return undefined;
  const given = body as Record<string, unknown>;
  const fields: string[] = [];
  if (name in LATER_FIELDS) {
    const later: readonly string[] = LATER_FIELDS[name as keyof typeof LATER_FIELDS];
    fields.push(...later.filter((field) => Object.hasOwn(given, field)));
  }
  if (fields.length === 0) return undefined;
  return {
    code: 'feature.notYet',
    detail: `Not offered yet: ${fields.join(', ')}. All bill types are.`,
    errors: fields.map((path) => ({ path, message: 'is not offered yet' })),
  };
}
