/** Starts a letter. */
export const startMutation = /* GraphQL */ `
  mutation Start($input: GenerationStartInput!) {
    generationStart(input: $input) {
      generation {
        id
      }
      errors {
        message
      }
    }
  }
`;

/** What it answers. */
export interface Started {
  readonly generationStart: {
    readonly generation: { readonly id: string } | null;
    readonly errors: readonly { readonly message: string }[];
  };
}
