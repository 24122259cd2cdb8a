// Countries, as codes name them.

const NAMES = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' });
/** What Unicode names by two letters, and ISO 3166-1 has not given to a country. */
const NONE = new Set([
  'AC',
  'CP',
  'CQ',
  'DG',
  'EA',
  'EU',
  'EZ',
  'IC',
  'QO',
  'TA',
  'UN',
  'XA',
  'XB',
  'XK',
  'ZZ',
]);

/** Whether it is an ISO 3166-1 alpha-2 code. */
export function isCountry(text: string): boolean {
  if (!/^[A-Z]{2}$/.test(text) || NONE.has(text)) return false;
  const name = NAMES.of(text);
  return name !== undefined && new Intl.Locale(`und-${text}`).region === text;
}
