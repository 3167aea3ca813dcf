import { mask } from './mask.ts';

/** Something for every detector and pattern, and a name in the known field. */
const details =
  'Ingrid Solheim, born 3 March 1990, mobile +47 555 01 234, ingrid@example.org, card 4111 1111 1111 1111, IBAN DE89 3704 0044 0532 0130 00, ' +
  'SSN 123-45-6789, worked 2019-2023 at Fjord Logistics_1 and planned 12,000 consignments a month. 020 7946 0958 020 7946 0959, 0171/1234567, (212) 555-0199. ' +
  'linkedin.com/in/ingrid, ingrid_solheim, Twitter: @ingrid. Flat 3, 12 High Street, Leeds LS1 4DY; 8 Oak Close; 12 rue de la Paix, 75002 Paris; ' +
  'Hauptstraße 12, 10115 Berlin; Am Markt 3 and Calle Mayor 4, Section 5 Part 7, P.O. Box 12; LS1 4DY\nBerliner Weg 5\n10115 Berlin\n';
/** Long enough that the engine compiles a pattern at once, and often enough for the code around the patterns. */
const units = 8_192;
const times = 7;
/** Texts with letters beyond Latin-1 have patterns compiled for themselves. */
const wideTimes = 2;

/**
 * Masks a made-up prompt, so that no caller waits while the engine compiles the patterns and the code around them: the first masking of a process takes
 * tens of milliseconds, the next ones less than one for a letter.
 */
export function warmMasking(): void {
  const variables = { name: 'Ingrid Solheim', phone: '+47 555 01 234', born: '1990-03-03' };
  const fields = [
    { path: ['name'], kind: 'name' },
    { path: ['phone'], kind: 'phone' },
    { path: ['born'], kind: 'birth-date' },
  ] as const;
  const text = details.repeat(Math.ceil(units / details.length));
  for (let time = 0; time < times + wideTimes; time++)
    mask([{ role: 'user', content: time < times ? text : `\u0151${text}` }], variables, fields);
}
