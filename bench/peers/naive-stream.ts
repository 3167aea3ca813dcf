import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { useServer } from 'graphql-ws/use/ws';
import OpenAI from 'openai';
import { WebSocketServer } from 'ws';

// What one writes first: the SDK's iterator into a subscription, a frame per token, nothing stored.
const client = new OpenAI({ apiKey: 'none', baseURL: process.env.OPENAI_BASE_URL ?? '', maxRetries: 0 });

async function* letter(prompt: string): AsyncGenerator<{ letter: { text: string } }> {
  const stream = await client.chat.completions.create({
    model: 'mock',
    messages: [{ role: 'user', content: prompt }],
    stream: true,
  });
  for await (const chunk of stream) {
    const text = chunk.choices[0]?.delta?.content;
    if (text) yield { letter: { text } };
  }
}

const schema = makeExecutableSchema({
  typeDefs: /* GraphQL */ `
    type Query {
      ok: Boolean!
    }
    type Token {
      text: String!
    }
    type Subscription {
      letter(prompt: String!): Token!
    }
  `,
  resolvers: { Subscription: { letter: { subscribe: (_root: unknown, { prompt }: { prompt: string }) => letter(prompt) } } },
});

const server = createServer();
useServer({ schema }, new WebSocketServer({ server, path: '/graphql' }));
server.listen(0, '127.0.0.1', 8_192, () => process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }));
