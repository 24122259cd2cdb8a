// What the drivers of every kind have in common: the version of the contract, what a package exports, and what it is given.
//
// A package exports `driver`: one module, or an array of modules of different kinds or names. docs/drivers.md writes some
// from nothing; decision 16 says why they are loaded as they are.

import type { TSchema } from '@sinclair/typebox';
import type { Clock } from '../../switch/ports.ts';

/** The version of this contract. A driver of another one is refused when it is loaded. */
export const CONTRACT_VERSION = 1;

/** `bill`: a bank's own QR system. `qr`: a format of codes. The other two: a way by which events reach their holder. */
export type DriverKind = 'bill' | 'qr' | 'terminal' | 'paychannel';

export interface DriverModule<Driver, Around> {
  readonly contract: number;
  readonly kind: DriverKind;
  /** 1 to 32 of `a-z0-9-`: what it is called by where it is used. */
  readonly name: string;
  /** What its settings are: a TypeBox object that takes no member beside its own. */
  readonly settings: TSchema;
  /** Called with settings that fit the schema; throws an Error that says what is wrong with them all the same. */
  make(settings: unknown, surroundings: Around): Driver;
}

/** All that a driver may touch of the world beside what it drives. */
export interface Surroundings {
  readonly clock: DriverClock;
}

export type DriverClock = Pick<Clock, 'wall' | 'after'>;
