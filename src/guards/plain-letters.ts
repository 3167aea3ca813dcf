const others: Readonly<Record<string, string>> = {
  ß: 'ss',
  ø: 'o',
  ł: 'l',
  æ: 'ae',
  œ: 'oe',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ς: 'σ',
  ё: 'е',
};
const end = 0x2000;
/** What stands for each small letter that is read as another: that one, or two of which the first is in the upper half; 0 for itself. */
const table = new Uint32Array(end);
/** Latin, Greek and Russian letters: of each a plain one and its marks. Others, such as `й`, are letters of their own. */
for (const [from, to] of [
  [0xc0, 0x250],
  [0x370, 0x400],
  [0x1e00, end],
] as const)
  for (let unit = from; unit < to; unit++) {
    const [, plain = ''] = /^([a-z\u03b1-\u03c9])[\u0300-\u036f]+$/.exec(String.fromCharCode(unit).normalize('NFD')) ?? [];
    if (plain !== '') table[unit] = plain.charCodeAt(0);
  }
for (const [letter, plain] of Object.entries(others))
  table[letter.charCodeAt(0)] = plain.length === 1 ? plain.charCodeAt(0) : (plain.charCodeAt(0) << 16) | plain.charCodeAt(1);

/** A small letter without its marks, as people write it who have no others: `é` is `e`; the first of two in the upper half (`ß` is `ss`); 0 for itself. */
export function plainOf(unit: number): number {
  return unit < end ? (table[unit] ?? 0) : 0;
}

/** Whether a text has letters that are read as two: they make a reading longer than it. */
export function hasDouble(lower: string): boolean {
  return /[ßæœþ]/.test(lower);
}
