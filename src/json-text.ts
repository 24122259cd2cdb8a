// JSON that people write by hand. Of what is wrong with it only the place is told: Node.js quotes what stands there, and
// files like these hold keys and passwords.

/** The value; or what is to be said of the text where it is none, with line and column where they are known. */
export function readJsonText(
  text: string,
): { readonly value: unknown } | { readonly flaw: string } {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    const position = positionIn(error as SyntaxError, text);
    return {
      flaw: position === null ? 'is not JSON' : `is not JSON at ${placeOf(text, position)}`,
    };
  }
}

/** Only the end of the message says it: anything before may be quoted from the text. */
function positionIn({ message }: SyntaxError, text: string): number | null {
  if (message === 'Unexpected end of JSON input') return text.length;
  const position = / JSON at position (\d+)(?: \(line \d+ column \d+\))?$/.exec(message)?.[1];
  return position === undefined ? null : Number(position);
}

function placeOf(text: string, position: number): string {
  const before = text.slice(0, position).split('\n');
  return `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`;
}
