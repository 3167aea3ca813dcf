import type { AddressInfo } from 'node:net';
import { ApolloServer } from '@apollo/server';
import { expressMiddleware } from '@as-integrations/express5';
import express from 'express';
import { resolvers, typeDefs } from './list.ts';

// As Apollo's own getting-started page has it, nothing added and nothing tuned.
const server = new ApolloServer({ typeDefs, resolvers });
await server.start();
const app = express();
app.use('/graphql', express.json(), expressMiddleware(server));
const listening = app.listen(0, '127.0.0.1', () =>
  process.send?.({ url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}` }),
);
