/** Something that an operator has to settle; the message says what it is and what to do. */
export class StartRefusal extends Error {
  override readonly name = 'StartRefusal';
}
