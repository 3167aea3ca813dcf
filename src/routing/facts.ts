import type { Scope } from '../kernel/scope.ts';
import type { PromptMessage } from '../providers/port.ts';

/** What is known of a generation when its route is asked. */
export interface Facts {
  /** The template's slug; empty when a route is asked without one. */
  readonly template: string;
  /** The language tag among the variables (`language`, like `de-CH`); null when there is none. */
  readonly language: string | null;
  /** Length of the prompt in UTF-16 code units; null when it is not rendered yet. */
  readonly promptCharacters: number | null;
  readonly maxOutputTokens: number;
  /** Whether its text has to fit a JSON Schema. */
  readonly isStructured: boolean;
  /** The member's id. */
  readonly member: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** What a generation is made from. */
interface Ingredients {
  readonly templateSlug: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly prompt: readonly PromptMessage[] | null;
  readonly maxOutputTokens: number;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  /** Null and absent for plain text. */
  readonly outputSchema?: Readonly<Record<string, unknown>> | null;
}

/** The facts of a generation that this scope starts. */
export function factsOf(
  { memberId }: Pick<Scope, 'memberId'>,
  { templateSlug, variables, prompt, maxOutputTokens, metadata, outputSchema = null }: Ingredients,
): Facts {
  const language = Object.hasOwn(variables, 'language') ? variables['language'] : null;
  return {
    template: templateSlug,
    language: typeof language === 'string' ? language : null,
    promptCharacters: prompt && prompt.reduce((sum, { content }) => sum + content.length, 0),
    maxOutputTokens,
    isStructured: outputSchema !== null,
    member: memberId,
    metadata: metadata ?? {},
  };
}
