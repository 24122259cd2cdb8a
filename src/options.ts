// Kinds of options. Each reads the text of an environment variable and the JSON of a configuration file alike, and
// says in words what it takes, so that help, documents and complaints cannot differ.

/** What reading one value gave: the value, or what is wrong with it. */
export type Reading<T> = { readonly value: T } | { readonly fault: string };

/** Where an option's value came from: text in the environment, or a JSON value in the file. */
export type Raw = { readonly text: string } | { readonly json: unknown };

export interface Option<T> {
  /** Name of the environment variable. In the file the option goes by its key in the table. */
  readonly env: string;
  /** What it takes, in words. */
  readonly takes: string;
  /** The value where nothing is said; where it hangs on other things, null, and `fallbackSays` tells. */
  readonly fallback: T;
  readonly fallbackSays: string;
  /** Why the option exists and how to choose it: one or two sentences. */
  readonly why: string;
  /** Never shown: it holds or may hold a password. */
  readonly secret: boolean;
  read(raw: Raw): Reading<T>;
}

interface Described {
  readonly env: string;
  readonly why: string;
}

export function integer(
  of: Described & { readonly fallback: number; readonly min: number; readonly max: number },
): Option<number> {
  return option(of, {
    takes: `a whole number from ${grouped(of.min)} to ${grouped(of.max)}`,
    fallback: of.fallback,
    fallbackSays: String(of.fallback),
    read: (raw) => readInteger(raw, of.min, of.max),
  });
}

/** An integer whose default hangs on other options or on the machine; null until it is settled. */
export function derivedInteger(
  of: Described & { readonly fallbackSays: string; readonly min: number; readonly max: number },
): Option<number | null> {
  return option(of, {
    takes: `a whole number from ${grouped(of.min)} to ${grouped(of.max)}`,
    fallback: null,
    fallbackSays: of.fallbackSays,
    read: (raw) => readInteger(raw, of.min, of.max),
  });
}

/** Text that matches a pattern; `takes` says which in words. */
export function text(
  of: Described & { readonly fallback: string; readonly pattern: RegExp; readonly takes: string },
): Option<string> {
  return option(of, {
    takes: of.takes,
    fallback: of.fallback,
    fallbackSays: of.fallback,
    read: (raw) => readText(raw, of.pattern, of.takes),
  });
}

export function optionalText(
  of: Described & {
    readonly fallbackSays: string;
    readonly pattern: RegExp;
    readonly takes: string;
  },
): Option<string | null> {
  return option(of, {
    takes: of.takes,
    fallback: null,
    fallbackSays: of.fallbackSays,
    read: (raw) => readText(raw, of.pattern, of.takes),
  });
}

/** Yes or no; null where it hangs on other options. */
export function flag(of: Described & { readonly fallbackSays: string }): Option<boolean | null> {
  const takes = '1 or 0 (true or false in the file)';
  return option(of, {
    takes,
    fallback: null,
    fallbackSays: of.fallbackSays,
    read: (raw) => {
      const value = 'text' in raw ? raw.text : raw.json;
      if (value === true || value === '1' || value === 'true') return { value: true };
      if (value === false || value === '0' || value === 'false') return { value: false };
      return { fault: `must be ${takes}, not ${shown(value)}` };
    },
  });
}

export function choice<const T extends string>(
  of: Described & { readonly fallback: T; readonly among: readonly T[] },
): Option<T> {
  const takes = `one of ${of.among.join(', ')}`;
  return option<T>(of, {
    takes,
    fallback: of.fallback,
    fallbackSays: of.fallback,
    read: (raw) => {
      const value = 'text' in raw ? raw.text : raw.json;
      const chosen = of.among.find((one) => one === value);
      return chosen === undefined
        ? { fault: `must be ${takes}, not ${shown(value)}` }
        : { value: chosen };
    },
  });
}

/** Names, separated by commas in the environment, an array in the file. */
export function names(of: Described & { readonly pattern: RegExp }): Option<readonly string[]> {
  return option<readonly string[]>(of, {
    takes: 'names separated by commas (an array of them in the file)',
    fallback: [],
    fallbackSays: 'none',
    read: (raw) => {
      const parts: unknown[] | undefined =
        'text' in raw
          ? raw.text.split(',').map((part) => part.trim())
          : Array.isArray(raw.json)
            ? raw.json
            : undefined;
      if (parts === undefined)
        return { fault: `must be an array, not ${shown('json' in raw && raw.json)}` };
      const value: string[] = [];
      for (const part of parts) {
        if (typeof part !== 'string' || !of.pattern.test(part)) {
          return { fault: `${shown(part)} is not such a name` };
        }
        value.push(part);
      }
      return { value };
    },
  });
}

/** Secrets, separated by commas in the environment, an array in the file: never shown, not even where they are wrong. */
export function secrets(
  of: Described & { readonly fallbackSays: string; readonly lengthMin: number },
): Option<readonly string[]> {
  const takes = `secrets of at least ${of.lengthMin} characters, separated by commas (an array of them in the file)`;
  return option<readonly string[]>(
    { ...of, secret: true },
    {
      takes,
      fallback: [],
      fallbackSays: of.fallbackSays,
      read: (raw) => {
        const parts: unknown = 'text' in raw ? raw.text.split(',') : raw.json;
        const isFit = (part: unknown): part is string =>
          typeof part === 'string' && part.length >= of.lengthMin && /^[!-+\--~]+$/.test(part);
        return Array.isArray(parts) && parts.every(isFit)
          ? { value: parts }
          : { fault: `must be ${takes}, without spaces` };
      },
    },
  );
}

/** A URL; it may hold a password, so a complaint never repeats it. */
export function url(
  of: Described & {
    readonly protocols: readonly string[];
    readonly fallbackSays: string;
    /** No path, query, fragment or user: a place alone. */
    readonly bare: boolean;
  },
): Option<string | null> {
  const schemes = of.protocols.map((protocol) => `${protocol}//`).join(' or ');
  return option<string | null>(
    { ...of, secret: !of.bare },
    {
      takes: `a URL that begins with ${schemes}${of.bare ? ', without a path' : ''}`,
      fallback: null,
      fallbackSays: of.fallbackSays,
      read: (raw) => {
        const value = 'text' in raw ? raw.text : raw.json;
        if (typeof value !== 'string') return { fault: `must be text, not ${shown(value)}` };
        if (!URL.canParse(value)) return { fault: 'is not a URL' };
        const parsed = new URL(value);
        if (!of.protocols.includes(parsed.protocol)) return { fault: `must begin with ${schemes}` };
        if (!of.bare) return { value };
        return isBare(parsed)
          ? { value: parsed.origin }
          : { fault: 'must be a place alone: no path, query, fragment or user' };
      },
    },
  );
}

/** The URL with its password hidden, for logs and for people. */
function withoutPassword(address: string): string {
  const parsed = new URL(address);
  if (parsed.password !== '') parsed.password = '***';
  if (parsed.searchParams.has('password')) parsed.searchParams.set('password', '***');
  return parsed.href;
}

/** What a secret option may show of its value. */
export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(() => '***');
  return typeof value === 'string' ? withoutPassword(value) : value;
}

/** `, did you mean X?`, where one of the known names is near. */
export function meant(name: string, known: readonly string[]): string {
  const near = known
    .map((one) => ({ one, distance: editDistance(name.toLowerCase(), one.toLowerCase()) }))
    .sort((left, right) => left.distance - right.distance)[0];
  return near !== undefined && near.distance <= Math.max(2, name.length / 4)
    ? `, did you mean ${near.one}?`
    : '';
}

function option<T>(
  of: Described & { readonly secret?: boolean },
  rest: Omit<Option<T>, 'env' | 'why' | 'secret'>,
): Option<T> {
  return { env: of.env, why: of.why, secret: of.secret ?? false, ...rest };
}

function readInteger(raw: Raw, min: number, max: number): Reading<number> {
  const wanted = `a whole number from ${grouped(min)} to ${grouped(max)}`;
  const value =
    'text' in raw ? (/^\d{1,15}$/.test(raw.text) ? Number(raw.text) : raw.text) : raw.json;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) {
    return { value };
  }
  return { fault: `must be ${wanted}, not ${shown(value)}` };
}

function readText(raw: Raw, pattern: RegExp, takes: string): Reading<string> {
  const value = 'text' in raw ? raw.text : raw.json;
  if (typeof value === 'string' && pattern.test(value)) return { value };
  return { fault: `must be ${takes}, not ${shown(value)}` };
}

function isBare(parsed: URL): boolean {
  return (
    parsed.pathname === '/' &&
    parsed.search === '' &&
    parsed.hash === '' &&
    parsed.username === '' &&
    parsed.password === ''
  );
}

/** A value that was not taken. An address put into the wrong variable may hold a password all the same. */
function shown(value: unknown): string {
  const written = (JSON.stringify(value) ?? String(value)).replaceAll(/:\/\/[^\s/]*@/g, '://***@');
  return written.length > 60 ? `${written.slice(0, 57)}...` : written;
}

/** Without the locale's own way of it, whose first use takes 40 ms of every start. */
function grouped(value: number): string {
  return value >= 10_000 ? String(value).replace(/\B(?=(?:\d{3})+$)/g, ',') : String(value);
}

/** Levenshtein: the least number of letters to insert, drop or change. */
function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, i) => i);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const change = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}
