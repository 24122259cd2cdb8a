import { theTruth } from '../domain/truth.ts';

export const borrowed = theTruth;
