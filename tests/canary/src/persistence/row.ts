import { problem } from '../protocols/problem.ts';
import { Gauge } from 'prom-client';
import { pino } from 'pino';

export const row = { problem, Gauge, pino };
