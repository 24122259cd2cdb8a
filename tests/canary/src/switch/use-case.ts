import { row } from '../persistence/row.ts';
import { randomBytes } from 'node:crypto';

export type UseCase = typeof row;
export const nonce = (): Buffer => randomBytes(8);
