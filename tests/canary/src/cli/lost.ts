// The path is wrong, and the type checker is told to look away, as someone in a hurry would.
// @ts-expect-error: there is no such file.
import { gone } from './gone.ts';

export const lost: unknown = gone;
