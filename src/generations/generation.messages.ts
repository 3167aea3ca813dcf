import type { RestartReason } from './generations.table.ts';
import type { GenerationView } from './generation.view.ts';

interface Head {
  readonly generationId: string;
  readonly cursor: string;
  readonly at: Date;
}

/** What a stream says, as plain values; `kind` is the name of the GraphQL type. */
export type GenerationMessageValue = Head &
  (
    | { readonly kind: 'GenerationStarted'; readonly attempt: number; readonly model: string }
    | { readonly kind: 'GenerationDelta'; readonly offset: number; readonly text: string }
    | {
        readonly kind: 'GenerationRestarted';
        readonly offset: number;
        readonly reason: RestartReason;
        readonly attempt: number;
        readonly model: string;
      }
    | { readonly kind: 'GenerationFinished'; readonly generation: GenerationView }
  );
