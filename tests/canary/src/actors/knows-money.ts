import { theTruth } from '../domain/truth.ts';
import { setTimeout as sleep } from 'node:timers/promises';

export const nap = async (): Promise<string> => {
  await sleep(1);
  return theTruth;
};
