import type { UseCase } from '../switch/use-case.ts';
import { readFileSync } from 'node:fs';
import { pack } from 'msgpackr';

export function decide(useCase: UseCase): Buffer {
  return pack([useCase, readFileSync('clock')]);
}
