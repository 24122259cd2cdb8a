import { build } from 'hdr-histogram-js';
import { pack } from 'msgpackr';
import { row } from '../persistence/row.ts';

export const call = [row, build, pack];
