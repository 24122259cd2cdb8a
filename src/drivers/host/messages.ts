// What a driver's thread and its host say to each other.

import type { DriverKind } from '../contract/driver-module.ts';

export interface ThreadData {
  readonly kind: DriverKind;
  /** What it imports: a package's name, or a file's URL. */
  readonly specifier: string;
  readonly settings: unknown;
  /** Of a format: the key of its tags, base64url. */
  readonly tagKey: string | null;
}

/** Whether the thread still turns. */
export const PING = 'ping';

export interface ToThread {
  readonly no: number;
  readonly call: string;
  readonly args: readonly unknown[];
}

export type FromThread =
  | { readonly type: 'ready'; readonly name: string; readonly capabilities: unknown }
  | { readonly type: 'pong' }
  | { readonly type: 'refused'; readonly why: string }
  | { readonly type: 'answer'; readonly no: number; readonly answer: unknown }
  | { readonly type: 'threw'; readonly no: number; readonly why: string };
