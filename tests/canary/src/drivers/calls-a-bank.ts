import { row } from '../persistence/row.ts';
import autocannon from 'autocannon';
import { pack } from 'msgpackr';

export const call = [row, autocannon, pack];
