// A profile names places in what was bundled; here they become places in the source, by the maps beside the bundles.

import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';

/** As V8 writes it: lines and columns are counted from 0. */
export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

/** Answers where each frame is in the source; one that no map knows stays as it is. */
export function sourcedBy(readText: (file: string) => string | null): (at: CallFrame) => CallFrame {
  const maps = new Map<string, SourceMap | null>();
  const mapOf = (url: string): SourceMap | null => {
    const known = maps.get(url);
    if (known !== undefined) return known;
    const text = url.startsWith('file:') ? readText(`${fileURLToPath(url)}.map`) : null;
    const map = text === null ? null : new SourceMap(JSON.parse(text));
    maps.set(url, map);
    return map;
  };
  return (at) => {
    const entry = mapOf(at.url)?.findEntry(at.lineNumber, at.columnNumber);
    if (entry === undefined || !('originalSource' in entry)) return at;
    const { originalSource, originalLine, originalColumn } = entry;
    const url = new URL(originalSource, at.url).href;
    return { ...at, url, lineNumber: originalLine, columnNumber: originalColumn };
  };
}

/** The text of a file; null where there is none. */
export function readMap(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

const THREADS: readonly (readonly [program: string, name: string])[] = [
  ['worker.js', 'a worker'],
  ['gateway-thread.js', 'a gateway'],
  ['webhook-thread.js', 'the sender of webhooks'],
  ['acquirer-thread.js', 'the thread of banks'],
  ['tls-thread.js', 'the thread of TLS'],
  ['main.js', 'the main thread'],
];

/** What a thread is, by the program that it runs. */
export function threadName(urls: readonly string[]): string {
  const known = THREADS.find(([program]) => urls.some((url) => url.endsWith(`/dist/${program}`)));
  return known?.[1] ?? 'a thread of a driver';
}
