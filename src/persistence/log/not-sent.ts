/** The store was out of reach before anything was sent to it: nothing was done, for sure. */
export class NotSent extends Error {
  override readonly name = 'NotSent';
}
