import type { HttpTransport } from './answer.ts';
import { openApollo } from './apollo.ts';
import type { Pipeline } from './execute.ts';
import { answerPlain, plainRequestOf } from './plain.ts';

/** Answers queries and mutations over HTTP: plain requests by the pipeline itself, all others by Apollo around it. */
export async function openHttp(pipeline: Pipeline): Promise<HttpTransport> {
  const apollo = await openApollo(pipeline);
  return {
    answer(request, reply) {
      const plain = plainRequestOf(request);
      return plain ? answerPlain(pipeline, plain, request, reply) : apollo.answer(request, reply);
    },
    close: () => apollo.close(),
  };
}
