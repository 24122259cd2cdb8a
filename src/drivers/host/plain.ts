/** A driver's own words as we keep and log them: short, and nothing in them that a store or a terminal takes amiss. */
export function plain(words: unknown, most = 200): string {
  return String(words)
    .slice(0, most)
    .replace(/\p{Cc}/gu, ' ');
}
