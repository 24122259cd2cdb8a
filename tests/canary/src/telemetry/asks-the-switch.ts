import type { UseCase } from '../switch/use-case.ts';
import { Type } from '@sinclair/typebox';
import { toString as draw } from 'qrcode';

export type Watched = UseCase;
export const drawn = [Type, draw];
