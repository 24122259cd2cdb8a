// What a driver's process and its host say to each other.

import type { DriverKind } from '../contract/driver-module.ts';

/** The first that a process is told. */
export interface DriverTask {
  readonly kind: DriverKind;
  /** Which of the package's drivers of that kind; null: the only one. */
  readonly name: string | null;
  /** What it imports: a package's name, or a file's URL. */
  readonly specifier: string;
  readonly settings: unknown;
  /** Of a format: the key of its tags, base64url. */
  readonly tagKey: string | null;
}

/** Whether the process still turns. */
export const PING = 'ping';

/** It is to end what it holds; it ends with that. */
export const CLOSE = 'close';

/** The end of the line at a process by which its host holds it; nothing is said there. */
export const HOST_LINE = 4;

export interface ToProcess {
  readonly no: number;
  readonly call: string;
  readonly args: readonly unknown[];
}

export type FromProcess =
  | { readonly type: 'ready'; readonly name: string; readonly capabilities: unknown }
  | { readonly type: 'pong' }
  | { readonly type: 'refused'; readonly why: string }
  /** It ends of that. */
  | { readonly type: 'fell'; readonly why: string }
  | { readonly type: 'answer'; readonly no: number; readonly answer: unknown }
  | { readonly type: 'threw'; readonly no: number; readonly why: string };
