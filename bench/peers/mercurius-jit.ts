import fastify from 'fastify';
import mercurius from 'mercurius';
import { listSchema } from './list.ts';

const app = fastify();
await app.register(mercurius, { schema: listSchema(), jit: 1 });
process.send?.({ url: await app.listen({ host: '127.0.0.1', port: 0 }) });
