// What operators may do with the directory: who sees which part of it, and who may change what. The desk itself is kept
// where the directory is.

import type { PolicySettings } from '../domain/bill/policies.ts';
import type { Mode } from '../domain/bill/vocabulary.ts';
import type { LimitSettings } from './limits.ts';
import type { OperatorRole, Principal } from './principal.ts';
import type { CodedKind, CodeFields, PartyCodes } from './qr.ts';

export type PartyKind = 'institution' | 'merchant' | 'terminal' | 'paychannel' | 'operator';

/** Whose limits operators set. */
export type LimitedKind = 'institution' | 'terminal' | 'paychannel';

/** Somebody of the directory. */
export interface Party {
  readonly kind: PartyKind;
  readonly id: string;
  /** Null: a system operator that belongs to none. */
  readonly institutionId: string | null;
  readonly merchantId: string | null;
  readonly name: string;
  readonly city: string | null;
  readonly restricted: boolean;
  readonly subscribed: boolean;
  readonly role: OperatorRole | null;
  /** Of an institution or merchant: those of its bills' policies that it has set. */
  readonly policies: PolicySettings | null;
  /** Of its institution. Null: it belongs to none. */
  readonly mode: Mode | null;
  /** Of a paychannel: whether its requests must be signed. */
  readonly signatures: Signatures | null;
  /** Of a paychannel: SHA-256, hex, of the client certificates of which its connections must show one, where any is named. */
  readonly certificates: readonly string[] | null;
  /** Wall clock, ms. */
  readonly suspendedAt: number | null;
  readonly createdAt: number;
}

export type Signatures = 'off' | 'required';

/** Whatever an operator writes of a party; each kind has its own fields of these. */
export interface PartyFields {
  readonly name?: string;
  readonly city?: string;
  readonly restricted?: boolean;
  readonly subscribed?: boolean;
  readonly signatures?: Signatures;
  readonly certificates?: readonly string[];
  readonly role?: OperatorRole;
  /** All that it is to have set: what is left out is no longer set. */
  readonly policies?: PolicySettings;
  /** Of a new institution. */
  readonly mode?: Mode;
  readonly institutionId?: string;
  readonly merchantId?: string;
}

export interface Holder {
  readonly kind: Exclude<PartyKind, 'institution'>;
  readonly id: string;
}

/** A key opens its holder's calls; a signing secret signs the requests of a paychannel, and opens nothing. */
export type KeyUse = 'key' | 'signing';

export interface IssuedKey {
  readonly id: string;
  readonly name: string;
  readonly use: KeyUse;
  readonly holder: Holder;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly lastUsedAt: number | null;
  readonly revokedAt: number | null;
}

/** A line of the audit as it was hashed. */
export interface AuditLine {
  readonly no: number;
  readonly entry: string;
  readonly hash: string;
}

/** The part of the directory that an operator sees; null: no bound. */
export interface Scope {
  readonly institutionId: string | null;
  readonly merchantId: string | null;
  /** System operators are seen by their like alone. */
  readonly seesSystem: boolean;
  /** Whose keys it sees. */
  readonly holders: readonly PartyKind[];
}

/** Who asks for a change, and by which call. */
export interface Acting {
  readonly operator: Principal;
  readonly scope: Scope;
  readonly requestId: string;
  readonly idempotencyKey: string | null;
  /** Of the call and its body: the same key with another is refused. */
  readonly digest: string;
}

/** What became of a change. A repeat is shown as it is now, and its key not again. */
export type Changed<T> =
  | { readonly is: 'done' | 'repeated'; readonly shown: T; readonly key: string | null }
  | { readonly is: 'unknown' }
  | { readonly is: 'reused' };

export interface PageOf {
  readonly limit: number;
  /** The id after which the page begins. */
  readonly after: string | null;
}

export interface MadeAgreement {
  readonly id: string;
  readonly billingInstitutionId: string;
  readonly payingInstitutionId: string;
  /** Of both. */
  readonly mode: Mode;
  /** Wall clock, ms. */
  readonly since: number;
  /** Null: it has not ended. */
  readonly endedAt: number | null;
  readonly createdAt: number;
}

/** What became of making one; `exists` tells of the one that has not ended. */
export type Agreed =
  | Changed<MadeAgreement>
  | { readonly is: 'modesDiffer' }
  | { readonly is: 'exists'; readonly id: string };

/**
 * Agreements as operators see, make and end them. Each of the two institutions sees its own; only who runs the switch
 * makes them, since one side alone could give the other's customers away.
 */
export interface AgreementDesk {
  /** `unknown`: one of the institutions is not there. */
  add(
    acting: Acting,
    of: {
      readonly billingInstitutionId: string;
      readonly payingInstitutionId: string;
      /** Null: from now on. */
      readonly since: number | null;
    },
  ): Promise<Agreed>;
  find(scope: Scope, id: string): Promise<MadeAgreement | null>;
  /** Of one institution, on whichever side; null: all that the scope takes in. */
  list(scope: Scope, institutionId: string | null, page: PageOf): Promise<MadeAgreement[]>;
  /** Ends it now; one that has ended stays as it is. */
  end(acting: Acting, id: string): Promise<Changed<MadeAgreement>>;
}

export interface OperatorDesk {
  readonly agreements: AgreementDesk;
  find(scope: Scope, kind: PartyKind, id: string): Promise<Party | null>;
  list(
    scope: Scope,
    kind: PartyKind,
    of: { institutionId: string | null; merchantId: string | null },
    page: PageOf,
  ): Promise<Party[]>;
  /** `unknown`: what it is to belong to is not there. */
  add(
    acting: Acting,
    kind: PartyKind,
    fields: PartyFields,
    withKey: boolean,
  ): Promise<Changed<Party>>;
  change(acting: Acting, kind: PartyKind, id: string, fields: PartyFields): Promise<Changed<Party>>;
  suspend(
    acting: Acting,
    kind: PartyKind,
    id: string,
    isSuspended: boolean,
  ): Promise<Changed<Party>>;
  /** What is set of its limits. */
  limits(scope: Scope, kind: LimitedKind, id: string): Promise<LimitSettings | null>;
  /** Sets all of them: what is left out is no longer set. */
  limit(
    acting: Acting,
    kind: LimitedKind,
    id: string,
    limits: LimitSettings,
  ): Promise<Changed<Party>>;
  /** What its codes are made of. */
  codes(scope: Scope, kind: CodedKind, id: string): Promise<PartyCodes | null>;
  changeCodes(
    acting: Acting,
    kind: CodedKind,
    id: string,
    fields: CodeFields,
  ): Promise<Changed<Party>>;
  /** Whether a change has been made with this key: it is answered so again, whatever would be refused by now. */
  isRepeat(acting: Acting): Promise<boolean>;
  findKey(scope: Scope, id: string): Promise<IssuedKey | null>;
  listKeys(scope: Scope, holderId: string | null, page: PageOf): Promise<IssuedKey[]>;
  addKey(
    acting: Acting,
    holder: Holder,
    of: { name: string; use: KeyUse; expiresAt: number | null },
  ): Promise<Changed<IssuedKey>>;
  revokeKey(acting: Acting, id: string): Promise<Changed<IssuedKey>>;
  audit(after: number, limit: number): Promise<AuditLine[]>;
  close(): Promise<void>;
}

/** What operators do things with, beside keys and webhooks, which go by their holders. */
export type OperatorSubject = PartyKind | 'agreement' | 'tariff';

export type OperatorAction = 'see' | 'add' | 'change' | 'suspend' | 'limit' | 'issueKey' | 'audit';

const EVERY: readonly PartyKind[] = [
  'institution',
  'merchant',
  'terminal',
  'paychannel',
  'operator',
];
const IN_INSTITUTION = EVERY.slice(1);
const LIMITED: readonly LimitedKind[] = ['institution', 'terminal', 'paychannel'];
const NONE: readonly PartyKind[] = [];

type Rights = Readonly<Record<Exclude<OperatorAction, 'audit'>, readonly PartyKind[]>>;

/** What each role may do with which kinds, within its part of the directory. The audit is the system operator’s. */
const RIGHTS: Readonly<Record<OperatorRole, Rights>> = {
  system: {
    see: EVERY,
    add: EVERY,
    change: EVERY,
    suspend: EVERY,
    limit: LIMITED,
    issueKey: EVERY,
  },
  institutionAdmin: {
    see: EVERY,
    add: IN_INSTITUTION,
    change: IN_INSTITUTION,
    suspend: IN_INSTITUTION,
    limit: LIMITED.slice(1),
    issueKey: IN_INSTITUTION,
  },
  institutionViewer: {
    see: EVERY,
    add: NONE,
    change: NONE,
    suspend: NONE,
    limit: NONE,
    issueKey: NONE,
  },
  merchantAdmin: {
    see: ['merchant', 'terminal'],
    add: ['terminal'],
    change: ['terminal'],
    suspend: ['terminal'],
    limit: NONE,
    issueKey: ['merchant', 'terminal'],
  },
};

/** Whether it may confirm, cancel and refund bills, resolve credits and send events again, where it sees them. */
export function mayChangeBills(operator: Principal): boolean {
  return roleOf(operator) !== 'institutionViewer' && operator.suspended !== true;
}

export function roleOf(operator: Principal): OperatorRole {
  return operator.role ?? 'institutionViewer';
}

/** Whether the role may do this with that kind at all; where, its scope says. */
export function mayDo(operator: Principal, action: OperatorAction, kind: OperatorSubject): boolean {
  const role = roleOf(operator);
  if (action === 'audit') return role === 'system';
  // A suspended operator looks on.
  if (action !== 'see' && operator.suspended === true) return false;
  // One side alone could give the other's customers away: who runs the switch makes them.
  if (kind === 'agreement')
    return role === 'system' || (action === 'see' && role !== 'merchantAdmin');
  // A merchant's administrator sets its own merchant's prices.
  if (kind === 'tariff') return action === 'see' || role !== 'institutionViewer';
  return RIGHTS[role][action].includes(kind);
}

/** What the operator sees; what lies outside is answered like what is not there. */
export function scopeOfOperator(operator: Principal): Scope {
  const role = roleOf(operator);
  const holders = RIGHTS[role].see;
  if (role === 'system') {
    return { institutionId: null, merchantId: null, seesSystem: true, holders };
  }
  const { institutionId, merchantId } = operator;
  return { institutionId, merchantId, seesSystem: false, holders };
}
