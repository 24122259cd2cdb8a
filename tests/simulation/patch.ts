// How a fault is planted: another method in the place of one, for the length of a run.

type Method<Args extends unknown[], Result> = (...args: Args) => Result;

/** Puts another method in the place of one; what is returned puts it back. */
export function patch<Args extends unknown[], Result, Self extends object>(
  prototype: Self,
  name: string,
  make: (original: (self: Self, ...args: Args) => Result) => (self: Self, ...args: Args) => Result,
): () => void {
  const methods = prototype as unknown as Record<string, Method<Args, Result>>;
  const original = methods[name] as Method<Args, Result>;
  const patched = make((self, ...args) => original.apply(self, args));
  methods[name] = function (this: Self, ...args: Args): Result {
    return patched(this, ...args);
  };
  return () => {
    methods[name] = original;
  };
}
