import type { ProviderModel } from './port.ts';

/*
 * What we offer before anyone configured anything. Vendors retire models, so nothing in the code may depend on a name in here,
 * and a model that is missing here still works by its name.
 */

/** The offline provider's one model: it writes the template's own draft. */
export const offlineModels: readonly ProviderModel[] = [
  { name: 'draft', contextWindow: null, maxOutputTokens: null, hasStructuredOutput: false },
];

/** https://developers.openai.com/api/docs/models, https://developers.openai.com/api/docs/guides/structured-outputs */
export const openaiModels: readonly ProviderModel[] = [
  { name: 'gpt-5.6-luna', contextWindow: 1_050_000, maxOutputTokens: 128_000, hasStructuredOutput: true },
  { name: 'gpt-5.6-sol', contextWindow: 1_050_000, maxOutputTokens: 128_000, hasStructuredOutput: true },
];

/** https://platform.claude.com/docs/en/about-claude/models/overview, https://platform.claude.com/docs/en/build-with-claude/structured-outputs */
export const anthropicModels: readonly ProviderModel[] = [
  { name: 'claude-haiku-4-5', contextWindow: 200_000, maxOutputTokens: 64_000, hasStructuredOutput: true },
  { name: 'claude-sonnet-5-5', contextWindow: 1_000_000, maxOutputTokens: 128_000, hasStructuredOutput: true },
  { name: 'claude-opus-5-5', contextWindow: 1_000_000, maxOutputTokens: 128_000, hasStructuredOutput: true },
];

/** https://ai.google.dev/gemini-api/docs/models, https://ai.google.dev/gemini-api/docs/structured-output */
export const googleModels: readonly ProviderModel[] = [
  { name: 'gemini-3.8-flash', contextWindow: 1_048_576, maxOutputTokens: 65_536, hasStructuredOutput: true },
  { name: 'gemini-3.5-flash-lite', contextWindow: 1_048_576, maxOutputTokens: 65_536, hasStructuredOutput: true },
];
