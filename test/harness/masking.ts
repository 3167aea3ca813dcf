import { mask } from '../../src/guards/mask.ts';
import type { PersonalField } from '../../src/guards/personal.ts';

/** What a provider is sent of a text, and what a reader gets of that when it comes back whole. */
export function sentAndBack(
  text: string,
  variables: unknown,
  fields: readonly PersonalField[],
): { readonly sent: string; readonly back: string } {
  const { messages, restorer } = mask([{ role: 'user', content: text }], variables, fields);
  const sent = messages.at(-1)?.content ?? '';
  const own = restorer();
  return { sent, back: own.push(sent) + own.flush() };
}

/** A text with each placeholder of a name as one sign. */
export function elided(sent: string): string {
  return sent.replaceAll(/(?:PERSON|HANDLE)X*_\d+/g, '…');
}
