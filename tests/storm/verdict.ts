// What is wrong with the answers to one key: one of its bodies has won, whoever sent it hears the same, and whoever sent the
// other is refused, however often and wherever either was sent.

import type { Answer } from '../support/client.ts';

/** Of the two bodies that a key is sent with. */
export type Variant = 0 | 1;

export interface Told {
  readonly variant: Variant;
  readonly answer: Answer;
}

export interface KeyRules {
  /** What the loser hears. */
  readonly refusal: string;
  /** Whether the first to come hears 201, and all others 200. */
  readonly creates: boolean;
  /** Of an answer, what all who sent the winning body must hear alike. */
  readonly alike: (body: unknown) => unknown;
}

export interface Verdict {
  readonly winner: Variant | null;
  /** What the winner hears, as `alike` has it. */
  readonly said: unknown;
  readonly faults: readonly string[];
}

/** Of all that was ever told about a key. */
export function verdictOf(told: readonly Told[], rules: KeyRules): Verdict {
  const faults: string[] = [];
  const won = told.filter(({ answer }) => answer.status < 300);
  const lost = told.filter(({ answer }) => answer.status >= 300);
  for (const { answer } of lost) {
    const { code } = answer.body as { code?: string };
    if (answer.status !== 409 || code !== rules.refusal) {
      faults.push(`answered ${answer.status} ${code}`);
    }
  }
  const [first] = won;
  if (first === undefined) return { winner: null, said: null, faults: [...faults, 'none has won'] };
  const { variant } = first;
  if (won.some((each) => each.variant !== variant)) faults.push('both bodies were taken');
  if (lost.some((each) => each.variant === variant))
    faults.push('the one body was taken and refused');
  const created = won.filter(({ answer }) => answer.status === 201).length;
  if (created > (rules.creates ? 1 : 0)) faults.push(`created ${created} times`);
  const said = rules.alike(first.answer.body);
  const text = JSON.stringify(said);
  const other = won.find(({ answer }) => JSON.stringify(rules.alike(answer.body)) !== text);
  if (other !== undefined) {
    faults.push(`answered ${text} and ${JSON.stringify(rules.alike(other.answer.body))}`);
  }
  return { winner: variant, said, faults };
}
