/**
 * The words that make an address of a number and a name. Certain ones do so by themselves; sentences are full of the others (`10 Cloud Drive`,
 * `Parkplatz 4`), which need a line of their own, a word for an address, or a place with its postcode as well.
 */
const streetTypes = {
  certain: 'street st road rd avenue ave boulevard blvd lane ln crescent terrace parkway pkwy mews',
  uncertain:
    'drive dr court ct place pl square sq way close gardens grove hill circle row walk quay alley highway green park parade rise heights loop trail ' +
    'plaza broadway',
};
/** The same in French, with a small letter: no word of the languages that have a number before it. */
export const frenchTypes: ReadonlySet<string> = new Set(
  'rue avenue av. boulevard bd place chemin impasse allée allées quai cours route square passage ruelle faubourg bis ter quater'.split(
    ' ',
  ),
);
const germanEnds = {
  certain: 'straße|strasse|str\\.?|allee|gasse|chaussee|straat|gracht|gata|gaten|gatan|veien|vegen|vägen|katu',
  uncertain:
    'weg|platz|ring|ufer|damm|markt|hof|graben|steig|pfad|wall|berg|park|tor|laan|kade|plein|dijk|singel|gade|gate|vei|vej|tie',
};
const beginnings = {
  certain:
    'Calle|C\\/|Avenida|Avda\\.?|Carrer|Paseo|Rua|Travessa|Viale|Piazza|Corso|Vicolo|[Uu]l\\.|Aleja|Platz der|Straße de[rs]',
  uncertain: 'Via|Plaza|Camino|Largo|Am|An|Auf|Im|In|Zum|Zur|Unter|Hinter|Vor|Beim|Bei',
};
const inside = '(?:de|del|della|dei|di|du|do|da|dos|das|la|las|los|y|e|van|von|der|den|dem|und)';

const capital = String.raw`\p{Lu}[\p{L}\p{M}'-]*`;
const name = String.raw`(?:${capital}\.?|\d{1,3}(?:st|nd|rd|th))`;
const house = String.raw`\d{1,5}(?:[A-Za-z]|-\d{1,4}[A-Za-z]?)?`;

/** Each word with a capital, and in capitals. */
function inCapitals(words: string): string {
  return words
    .split(' ')
    .flatMap((word) => [word.charAt(0).toUpperCase() + word.slice(1), word.toUpperCase()])
    .join('|');
}

function englishOf(types: string): RegExp {
  const named = String.raw`${house},? ${name}(?: (?:${name}|of|the|and|de|la)){0,4} (?:${inCapitals(types)})(?!\p{L})`;
  return new RegExp(String.raw`${named}(?:\.(?=,| \p{L}))?(?: (?:N|S|E|W|NE|NW|SE|SW|North|South|East|West)(?!\p{L}))?`, 'uy');
}

/** Number and name, from the number on: `1600 Pennsylvania Avenue NW`. */
export const behindNumber = { certain: englishOf(streetTypes.certain), uncertain: englishOf(streetTypes.uncertain) };

/** The same with the small letters of French: `12 bis, rue de la Paix`. */
export const frenchBehindNumber = new RegExp(
  String.raw`${house}(?: (?:bis|ter|quater))?,? (?:rue|avenue|av\.|boulevard|bd|place|chemin|impasse|allées?|quai|cours|route|square|passage|ruelle|faubourg) (?:(?:de|du|des|la|le|les) |d'|l'){0,3}${capital}` +
    String.raw`(?: (?:(?:de|du|des|la|le|et) |d'|l'){0,3}${capital}){0,3}`,
  'uy',
);

/** The last word of a name that ends like a street, in lower case: `hauptstraße`, or `straße` alone behind another word. */
export const endOfName = {
  certain: new RegExp(String.raw`(?<![\p{L}\p{M}'-])[\p{L}\p{M}'-]*?(?:${germanEnds.certain})$`, 'u'),
  uncertain: new RegExp(String.raw`(?<![\p{L}\p{M}'-])[\p{L}\p{M}'-]*?(?:${germanEnds.uncertain})$`, 'u'),
};

function beginningOf(words: string): RegExp {
  const more = String.raw`(?: (?:${inside} ){0,2}${capital}){0,3}`;
  return new RegExp(String.raw`(?<![\p{L}\p{M}\d-])(?:${words}) (?:${inside} ){0,2}(?:${capital}|\d{1,2}\.?)${more}$`, 'u');
}

/** A whole name that begins like a street: `Calle de Alcalá`, `An der Alster`. */
export const wholeName = { certain: beginningOf(beginnings.certain), uncertain: beginningOf(beginnings.uncertain) };

const british = String.raw`(?:[A-Z]{1,2}\d{1,2}|[A-Z]{1,2}\d[A-HJ-NP-Z]) ?\d[ABD-HJLNP-UW-Z]{2}(?![\p{L}\d])`;
const american = String.raw`(?:(?:[A-Z]{2}|[A-Z]\p{Ll}+),? )?(?:\d{5}(?:-\d{4})?|[A-Z]\d[A-Z] ?\d[A-Z]\d)(?![\p{L}\d]|[.,]\d)`;
const continental = String.raw`(?:[A-Z]{1,2}-)?(?:\d{4,5}|\d{3} \d{2}|\d{4} [A-Z]{2}|\d{2}-\d{3})`;
const place = String.raw`${capital}\.?(?: (?:am |an der |im |upon |on |under |de |la |sur |of )?${capital}\.?){0,3}`;
const placeWithCode = String.raw`(?:${continental} ${place}|(?:${place},? ){0,3}(?:${british}|${american}))`;

/** A place with its postcode, behind a street. */
export const placeBehind = new RegExp(String.raw`(?:, ?| )${placeWithCode}`, 'uy');
/** The same, where it begins a line. */
export const placeOfLine = new RegExp(placeWithCode, 'uy');
/** A British postcode by itself, which a dozen houses share: none of the sizes and the words of trade that look like one. */
export const britishPostcode = new RegExp(String.raw`(?!B2[BC])(?![A-Z\d]{2,4} ?\d[TGPMHK][BZ])${british}`, 'uy');
