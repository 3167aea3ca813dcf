import { mask } from './mask.ts';

/** Something for every detector, and a name in the known field. */
const details =
  'Ingrid Solheim, born 3 March 1990, mobile +47 555 01 234, ingrid@example.org, card 4111 1111 1111 1111, IBAN DE89 3704 0044 0532 0130 00, ' +
  'SSN 123-45-6789, worked 2019-2023 at Fjord Logistics_1 and planned 12,000 consignments a month.\n';
/** Long enough that the engine compiles a pattern at once, and often enough for the code around the patterns. */
const units = 8_192;
const times = 3;

/**
 * Masks a made-up prompt, so that no caller waits while the engine compiles the patterns: the first masking of a process takes tens of
 * milliseconds, the next ones less than one for a letter. Texts with letters beyond Latin-1 have patterns compiled for themselves.
 */
export function warmMasking(): void {
  const variables = { name: 'Ingrid Solheim', phone: '+47 555 01 234' };
  const fields = [
    { path: ['name'], kind: 'name' },
    { path: ['phone'], kind: 'phone' },
  ] as const;
  for (const letter of ['', '\u0151'])
    for (let time = 0; time < times; time++)
      mask([{ role: 'user', content: letter + details.repeat(Math.ceil(units / details.length)) }], variables, fields);
}
