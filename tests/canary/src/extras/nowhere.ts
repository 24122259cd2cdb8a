import { theTruth } from '../domain/truth.ts';

export const copy = theTruth;
