// Names in plain Latin letters, for formats whose terminals print nothing else, and the language of what they were
// written in, for the readers that can show it.

/** Letters that do not come apart into a Latin one and a mark. Capitals follow from these. */
const LETTERS: ReadonlyMap<string, string> = new Map(
  `а:a б:b в:v г:g д:d е:e ё:yo ж:zh з:z и:i й:y к:k л:l м:m н:n о:o п:p р:r с:s т:t у:u ф:f х:kh ц:ts
   ч:ch ш:sh щ:shch ъ: ы:y ь: э:e ю:yu я:ya є:ye і:i ї:yi ґ:g ў:u ј:j љ:lj њ:nj џ:dz ђ:dj ћ:c ѓ:g ќ:k
   ѕ:dz ә:a ғ:g қ:k ң:n ө:o ұ:u ү:u һ:h α:a β:v γ:g δ:d ε:e ζ:z η:i θ:th ι:i κ:k λ:l μ:m ν:n ξ:x ο:o
   π:p ρ:r σ:s ς:s τ:t υ:y φ:f χ:ch ψ:ps ω:o ß:ss æ:ae œ:oe ø:o đ:d ð:d ł:l þ:th ı:i ŋ:n ħ:h №:No ’:'
   ‘:' “:" ”:" „:" «:" »:" –:- —:-`
    .split(/\s+/)
    .map((pair) => [pair.charAt(0), pair.slice(2)]),
);

/** In printable ASCII, as far as that goes: letters without a Latin form are left out. */
export function toLatin(text: string): string {
  const letters = Array.from(tidy(text));
  return tidy(
    letters.map((letter, at) => latinOf(letter, letters[at + 1] ?? letters[at - 1] ?? '')).join(''),
  );
}

/** The first so many characters, without half a word's space at the end. */
export function cut(text: string, length: number): string {
  return Array.from(text).slice(0, length).join('').trim();
}

/** One line, without controls. */
export function tidy(text: string): string {
  return text
    .normalize('NFC')
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim();
}

/** The likely language of a text in a country, as two capitals: by its script, and among those by the country's own. */
export function languageOf(text: string, country: string): string {
  const script = SCRIPTS.find(({ letters }) => letters.test(text));
  const native = new Intl.Locale(`und-${country}`).maximize();
  const isNative =
    script !== undefined && (script.within as readonly string[]).includes(native.script ?? '');
  const { language } = isNative
    ? native
    : new Intl.Locale(`und-${script?.name ?? 'Latn'}`).maximize();
  return (language.length === 2 ? language : 'en').toUpperCase();
}

/** Kana before Han, which Japanese is written in too; Latin last, since most texts have some. */
const SCRIPTS = [
  { name: 'Jpan', within: ['Jpan'], letters: /[\p{Script=Hiragana}\p{Script=Katakana}]/u },
  { name: 'Kore', within: ['Kore'], letters: /\p{Script=Hangul}/u },
  { name: 'Hani', within: ['Hans', 'Hant', 'Jpan', 'Kore'], letters: /\p{Script=Han}/u },
  { name: 'Cyrl', within: ['Cyrl'], letters: /\p{Script=Cyrillic}/u },
  { name: 'Grek', within: ['Grek'], letters: /\p{Script=Greek}/u },
  { name: 'Arab', within: ['Arab'], letters: /\p{Script=Arabic}/u },
  { name: 'Hebr', within: ['Hebr'], letters: /\p{Script=Hebrew}/u },
  { name: 'Armn', within: ['Armn'], letters: /\p{Script=Armenian}/u },
  { name: 'Geor', within: ['Geor'], letters: /\p{Script=Georgian}/u },
  { name: 'Deva', within: ['Deva'], letters: /\p{Script=Devanagari}/u },
  { name: 'Thai', within: ['Thai'], letters: /\p{Script=Thai}/u },
  { name: 'Latn', within: ['Latn'], letters: /\p{Script=Latin}/u },
] as const;

function latinOf(letter: string, neighbour: string): string {
  if (/^[ -~]$/.test(letter)) return letter;
  const small = letter.toLowerCase();
  const latin = LETTERS.get(small) ?? withoutMarks(small);
  if (letter === small) return latin;
  return isCapital(neighbour)
    ? latin.toUpperCase()
    : latin.charAt(0).toUpperCase() + latin.slice(1);
}

/** Of a letter with marks the letter; what is then still no Latin one goes. */
function withoutMarks(letter: string): string {
  const parts = Array.from(letter.normalize('NFKD'));
  return parts.map((part) => LETTERS.get(part) ?? part.replace(/[^ -~]/u, '')).join('');
}

function isCapital(letter: string): boolean {
  return /\p{Lu}/u.test(letter);
}
