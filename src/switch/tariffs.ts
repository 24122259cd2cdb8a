// Tariffs that operators keep for a merchant, each under a name, revision by revision. A bill that names one gets the
// newest revision's document copied when it is created. Every gateway has them all in memory, and main tells it of each
// change: no bill waits for the directory.
//
//   K1. A put is a new revision, or what stands there already. No revision ever changes.
//   K2. A bill keeps the revision that it was created with; a repeat of its create is answered with that bill, whatever
//       has become of the name since.

import type { Tariff } from '../domain/tariff/tariff.ts';
import type { Acting, Changed, PageOf, Scope } from './operator-desk.ts';

/** One as operators see it, without what it says. */
export interface KeptTariff {
  readonly id: string;
  readonly merchantId: string;
  readonly name: string;
  /** The newest. */
  readonly revision: number;
  /** Wall clock, ms. Null: bills are made of it. */
  readonly endedAt: number | null;
  readonly createdAt: number;
}

export interface TariffRevision {
  readonly revision: number;
  /** Of the operator. */
  readonly putBy: string;
  /** Wall clock, ms. */
  readonly putAt: number;
}

/** One revision's document as it was put, and the latest revisions, newest first. */
export interface ReadTariff extends KeptTariff {
  readonly shown: number;
  readonly document: unknown;
  readonly revisions: readonly TariffRevision[];
}

/** Whose it is, and what it is called there. */
export interface TariffName {
  readonly merchantId: string;
  readonly name: string;
}

export interface TariffDesk {
  /** `unknown`: there is no such merchant. Where the newest revision says the same, nothing happens. */
  put(acting: Acting, of: TariffName, document: object): Promise<Changed<KeptTariff>>;
  /** The newest revision, or the one asked for; null where there is none. */
  read(scope: Scope, of: TariffName, revision: number | null): Promise<ReadTariff | null>;
  /** Of one merchant; null: all that the scope takes in. */
  list(scope: Scope, merchantId: string | null, page: PageOf): Promise<KeptTariff[]>;
  /** From now on no bill is made of it, until it is put again; one that has ended stays as it is. */
  end(acting: Acting, of: TariffName): Promise<Changed<KeptTariff>>;
}

/** What threads are told of one: its newest revision, or that it has ended. */
export interface ToldTariff {
  readonly id: string;
  readonly merchantId: string;
  readonly name: string;
  readonly revision: number;
  /** As it was put. Null: it has ended. */
  readonly document: unknown;
}

/** Those that bills are made of now. */
export interface Tariffs {
  /** The newest revision, which says whence it is; undefined where none of that name is kept, or it has ended. */
  find(merchantId: string, name: string): Tariff | undefined;
}
