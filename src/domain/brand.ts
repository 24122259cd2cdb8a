declare const brand: unique symbol;

/** A primitive that carries its meaning in the type; only a `parse…` or `make…` function makes one. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
