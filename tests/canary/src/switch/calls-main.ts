import { start } from '../main.ts';
import { given } from '../../tests/given.ts';

export const both = [start, given];
