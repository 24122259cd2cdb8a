/** A driver's own words as we keep and log them: short, and nothing in them that a store or a terminal takes amiss. */
export function plain(words: unknown, most = 200): string {
  // Its code can say anything, and of an object nobody knows that it can be read as text.
  return (typeof words === 'string' ? words : '').slice(0, most).replace(/\p{Cc}/gu, ' ');
}
