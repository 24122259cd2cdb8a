import { Fault } from '../switch/faults.ts';

/** Postgres has not answered, by whatever error its client tells of that: who asked may ask again. */
export function unavailable(error: unknown): never {
  throw new Fault('history.unavailable', 'Postgres cannot be asked', error);
}
