// Masks prompts of 8 KiB, each with people of its own, and tells how long each took; with WARM=1 after what the product does at boot.
import path from 'node:path';
import process from 'node:process';

/** What of the built product is used; its sources are no part of this project. */
interface Product {
  mask(messages: readonly Message[], variables: object, fields: readonly object[]): { readonly messages: readonly Message[] };
  warmMasking(): void;
}
interface Message {
  readonly role: string;
  readonly content: string;
}
const dist = path.join(import.meta.dirname, '../../dist/guards');
const { mask } = (await import(path.join(dist, 'mask.js'))) as Product;
const { warmMasking } = (await import(path.join(dist, 'warm.js'))) as Product;

const units = 8_192;
const count = 50;
const fields = [
  { path: ['applicant', 'name'], kind: 'name' },
  { path: ['applicant', 'email'], kind: 'email' },
  { path: ['applicant', 'phone'], kind: 'phone' },
  { path: ['job', 'contact'], kind: 'name' },
] as const;
const prose =
  'I looked after up to eight day patients at a time in 2019-2021, from the operating table to the taxi home, and wrote the checklist for pain ' +
  'scores that all four recovery rooms went on to use. ';

function word(): string {
  const letters = Array.from({ length: 7 }, () => String.fromCharCode(97 + Math.floor(Math.random() * 26))).join('');
  return letters.charAt(0).toUpperCase() + letters.slice(1);
}

if (process.env['WARM'] === '1') warmMasking();
const times: number[] = [];
for (let index = 0; index < count; index++) {
  const [name, email, phone] = [`${word()} ${word()}`, `${word()}@example.org`, `+47 555 ${10_000 + index}`];
  const address = `${index + 1} ${word()} Street, Leeds LS${1 + (index % 9)} 4DY`;
  const pages = `linkedin.com/in/${word().toLowerCase()}, ${name.toLowerCase().replace(' ', '_')}`;
  const line = `${name}, ${address}, mobile ${phone}, ${email.toLowerCase()}, ${pages}. ${prose}`;
  const content = line.repeat(Math.ceil(units / line.length)).slice(0, units);
  const variables = { applicant: { name, email, phone }, job: { contact: `Ms ${word()}` } };
  const startedAt = performance.now();
  const { messages } = mask(
    [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content },
    ],
    variables,
    fields,
  );
  times.push(performance.now() - startedAt);
  if (messages[1]?.content.includes(name)) throw new Error('a name was left');
}
process.stdout.write(JSON.stringify(times));
