import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { printSchemas } from '../schema.ts';

/** Writes the contract into `schema/`: what clients see, and what a gateway composes. */
const { api, subgraph } = printSchemas();
const fileOf = (name: string): string => fileURLToPath(new URL(`../../schema/${name}`, import.meta.url));
await writeFile(fileOf('schema.graphql'), api);
await writeFile(fileOf('subgraph.graphql'), subgraph);
