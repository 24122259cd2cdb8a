import { answer } from './answer.ts';
import postgres from 'postgres';
import { Redis } from 'ioredis';
import { Piscina } from 'piscina';

export const problem = (): unknown => [answer, postgres, Redis, Piscina];
