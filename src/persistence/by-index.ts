// Settings for connections whose statements are each made for an index.
//
// A plan is kept from its first runs, when the tables may have been empty; without these it would read whole tables until
// Postgres next counts their rows, which takes it a minute. Planned for each number of parameters anew, some hundreds of
// keys would have every row of a table read.

/** Texts, all of them: postgres.js leaves out a setting that is `false`. */
export const BY_INDEX = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
} as const;
