import type { Addresses } from '../kernel/address.ts';
import type { HttpTransport } from './answer.ts';
import { openApollo, type UsageReporting } from './apollo.ts';
import type { Pipeline } from './execute.ts';
import { answerPlain, plainRequestOf } from './plain.ts';

/**
 * Answers queries and mutations over HTTP: plain requests by the pipeline itself, all others by Apollo around it; all of them by Apollo
 * when it is to report them.
 */
export async function openHttp(
  pipeline: Pipeline,
  addresses: Addresses,
  usageReporting: UsageReporting | null,
): Promise<HttpTransport> {
  const apollo = await openApollo(pipeline, addresses, usageReporting);
  return {
    answer(request, reply) {
      const plain = usageReporting ? null : plainRequestOf(request);
      return plain ? answerPlain({ pipeline, addresses }, plain, request, reply) : apollo.answer(request, reply);
    },
    close: () => apollo.close(),
  };
}
