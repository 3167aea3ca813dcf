import { maskedBy, type Guards } from '../guards/guards.ts';
import type { PromptMessage } from '../providers/port.ts';
import type { Models } from '../routing/models.ts';
import type { RoutePlan } from '../routing/plan.ts';
import type { Price } from '../routing/price.ts';

/** What one call may use at most; that much is reserved for it. */
export interface Need {
  /** Input and output tokens together. */
  readonly tokens: number;
  /** In millionths of a US dollar, at the dearest of the models whose prices are known. */
  readonly costMicros: number;
  /** Whether a model may be called whose price is not known. */
  readonly isPriceUnknown: boolean;
}

/** What a call asks for. */
export interface Question {
  readonly messages: readonly PromptMessage[];
  readonly maxOutputTokens: number;
  /** Sent with the messages; null and absent for plain text. */
  readonly outputSchema?: Readonly<Record<string, unknown>> | null;
  /** What is masked before it leaves; placeholders may be longer than what they stand for, and the model is told of them. */
  readonly guards: Guards | null;
  readonly variables: Readonly<Record<string, unknown>>;
}

/**
 * What a call by any model of a plan may use, an upper bound. No token is shorter than a byte, so a prompt has no more tokens than bytes in UTF-8; it is counted as
 * it is sent, masked and with the schema of the answer. The answer has at most `maxOutputTokens`, which every adapter sends. The price is that of the dearest model
 * of the plan and its branches.
 */
export function needOf(
  models: Pick<Models, 'priceOf'>,
  { models: ids, branches }: Pick<RoutePlan, 'models' | 'branches'>,
  { messages, maxOutputTokens, outputSchema = null, guards, variables }: Question,
  at: Date,
): Need {
  const schema = outputSchema === null ? 0 : Buffer.byteLength(JSON.stringify(outputSchema));
  const sent = maskedBy(guards, messages, variables)?.messages ?? messages;
  const input = sent.reduce((sum, { content }) => sum + Buffer.byteLength(content), schema);
  const prices = [...new Set([...ids, ...Object.values(branches).flat()])].map((id) => models.priceOf(id, at));
  const costs = prices.map((price) => (price ? dearest(price, input, maxOutputTokens) : 0));
  return { tokens: input + maxOutputTokens, costMicros: Math.max(0, ...costs), isPriceUnknown: prices.includes(null) };
}

/** The most that a call may cost: at the dearest of the rates for so many input tokens or fewer, rounded up. */
function dearest({ tiers }: Price, input: number, output: number): number {
  const costs = tiers
    .filter(({ above }, index) => index === 0 || above < input)
    .map((rates) => {
      const perInput = Math.max(rates.input, rates.cachedInput, rates.cacheWrite);
      // A count times a rate can be more than a double holds exactly.
      return Number((BigInt(input) * BigInt(perInput) + BigInt(output) * BigInt(rates.output) + 999_999n) / 1_000_000n);
    });
  return Math.max(0, ...costs);
}
