import { registerEnumType } from 'type-graphql';

/** Registers a GraphQL enum for a closed list of words, with what each means. */
export function enumOf<W extends string>(
  name: string,
  description: string,
  words: Readonly<Record<W, string>>,
): { readonly [K in W]: K } {
  const names = Object.keys(words) as W[];
  const type = Object.fromEntries(names.map((word) => [word, word])) as { readonly [K in W]: K };
  registerEnumType(type, {
    name,
    description,
    valuesConfig: Object.fromEntries(names.map((word) => [word, { description: words[word] }])) as never,
  });
  return type;
}
