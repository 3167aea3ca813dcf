import type { CodegenConfig } from '@graphql-codegen/cli';

/** Typed operations for clients: `schema/operations` against the printed schema. */
const config: CodegenConfig = {
  schema: 'schema/schema.graphql',
  documents: 'schema/operations/*.graphql',
  generates: {
    'src/client/operations.ts': {
      plugins: ['typescript-operations', 'typed-document-node'],
      config: {
        useTypeImports: true,
        strictScalars: true,
        skipTypename: true,
        immutableTypes: true,
        enumType: 'string-literal',
        scalars: { DateTime: 'string', JSONObject: 'Record<string, unknown>', SafeInt: 'number', ID: 'string' },
      },
    },
  },
};

export default config;
