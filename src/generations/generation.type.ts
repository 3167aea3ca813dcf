import { GraphQLID } from 'graphql';
import { Directive, Field, Int, InterfaceType, ObjectType } from 'type-graphql';
import type { CacheOutcome } from '../caching/caching.ts';
import { Column } from '../graphql/column.ts';
import { connectionOf } from '../graphql/connection.ts';
import { enumOf } from '../graphql/enum.ts';
import { Node } from '../graphql/node.ts';
import { DateTime, SafeInt } from '../graphql/scalars.ts';
import { Template, TemplateVersion } from '../templates/template.type.ts';
import type { SkipReason as WhySkipped } from '../routing/gate.service.ts';
import { GenerationCacheMode } from '../tenants/tenant.type.ts';
import type { CacheMode } from '../tenants/tenants.table.ts';
import { failureCodes, type FailureCode as Code } from './failures.ts';
import {
  attemptEnds,
  attempts,
  generations,
  generationStatuses,
  restartReasons,
  type AttemptEnd as End,
  type GenerationStatus as Status,
  type RestartReason as Reason,
} from './generations.table.ts';

export const GenerationStatus = enumOf<Status>('GenerationStatus', 'How far a generation is.', {
  QUEUED: 'Waits for a process with room.',
  RUNNING: 'Is being written.',
  SUCCEEDED: 'Whole.',
  INCOMPLETE: 'The text is kept, but the model stopped at its limit, or its stream died and nothing could go on.',
  FAILED: 'There is no text to use; `failure` says why.',
  CANCELLED: 'Somebody cancelled it; the text written until then is kept.',
} satisfies Record<(typeof generationStatuses)[number], string>);

const GenerationCacheOutcome = enumOf<CacheOutcome>('GenerationCacheOutcome', 'Where the text of a generation comes from.', {
  MISS: 'From a model that was called for it.',
  HIT: 'From an earlier generation that had succeeded. No model was called, and it cost nothing.',
  SHARED: 'From a generation that was being written at the same time. No model was called for this one, and it cost nothing.',
});

export const FinishReason = enumOf('GenerationFinishReason', 'Why the model stopped.', {
  STOP: 'It was done.',
  LENGTH: 'It reached the limit of tokens.',
  CONTENT_FILTER: 'A filter of the provider stopped it.',
  OTHER: 'A reason that the provider added since.',
});

const FailureCode = enumOf<Code>(
  'GenerationFailureCode',
  'Why a generation failed or stayed incomplete: the only codes there are.',
  failureCodes,
);

const RestartReason = enumOf<Reason>('GenerationRestartReason', 'Why an attempt took the place of another.', {
  PROVIDER_ERROR: 'The provider failed.',
  GUARD: 'The text did not pass the checks of its template; it is written once more.',
  SOURCE_LOST: 'The generation whose text it shared ended without one, or was deleted.',
  HEDGE: 'The first text was late: a second model was asked beside it, and one of the two goes on.',
  TAKE_OVER: 'The process writing it was lost; another went on.',
  ABANDONED: 'The processes writing it were lost too often.',
  CANCELLED: 'It was cancelled while nobody was writing it.',
  TIMEOUT: 'The total deadline ran out while nobody was writing it.',
} satisfies Record<(typeof restartReasons)[number], string>);

const AttemptEnd = enumOf<Exclude<End, 'NOT_CALLED'>>('GenerationAttemptEnd', 'How an attempt ended.', {
  FINISHED: 'The provider finished.',
  FAILED: 'The provider failed, a deadline ran out, or the text did not pass the checks.',
  CANCELLED: 'The generation was cancelled.',
  TAKEN_OVER: 'Its process was lost.',
  OUTRUN: 'Another model was asked beside it and was first; what it used is not known (`estimate`).',
} satisfies Record<Exclude<(typeof attemptEnds)[number], 'NOT_CALLED'>, string>);

const SkipReason = enumOf<WhySkipped>('GenerationSkipReason', 'Why a model was not asked.', {
  BREAKER_OPEN: 'It failed too often lately: its circuit breaker is open.',
  NO_PLACE: 'There were as many calls to its provider as are allowed at a time.',
});

@ObjectType({ description: 'Tokens as the provider counted them.', simpleResolvers: true })
export class GenerationUsage {
  @Column(generations.inputTokens, 'All input tokens, cached ones included; null when the provider did not say.') inputTokens!:
    number | null;
  @Column(generations.outputTokens, 'Output tokens; null when the provider did not say.') outputTokens!: number | null;
  @Column(generations.cachedInputTokens, 'Input tokens it had in its cache; null when the provider did not say.')
  cachedInputTokens!: number | null;
}

@ObjectType({ description: 'Why a generation failed or stayed incomplete.', simpleResolvers: true })
export class GenerationFailure {
  @Field(() => FailureCode, { description: 'What kind of failure.' }) code!: Code;
  @Field(() => String, { description: 'What happened, for people.' }) message!: string;
  @Field(() => Boolean, { description: 'Whether the same input may succeed later.' }) retryable!: boolean;
}

@ObjectType({
  description:
    'What a call may have used whose provider did not say, as it was given up before its end or broke off: by the length of what was sent and of what came back, ' +
    'so without what a model thought to itself. Or what a generation with such a call may have used in all. No sum counts it; a budget counts all that was reserved for the call.',
  simpleResolvers: true,
})
export class GenerationEstimate {
  @Field(() => Int, { description: 'Input tokens.' }) inputTokens!: number;
  @Field(() => Int, { description: 'Output tokens.' }) outputTokens!: number;
  @Field(() => SafeInt, { nullable: true, description: 'In millionths of a US dollar; null when the price is unknown.' })
  costMicros!: number | null;
}

@ObjectType({ description: "One call to one provider's model inside a generation.", simpleResolvers: true })
export class GenerationAttempt {
  @Column(attempts.number, 'Its number in the stream, from 1; one that came to no call is left out.') number!: number;
  @Column(attempts.model, 'The model that was called.') model!: string;
  @Column(attempts.base, 'Where its text begins in the text of the generation, in UTF-16 code units: 0 for a restart.')
  base!: number;
  @Column(attempts.reason, 'Why it took the place of the one before; null for the first.', { type: () => RestartReason })
  reason!: Reason | null;
  @Column(attempts.startedAt, 'When it began.') startedAt!: Date;
  @Column(attempts.firstTokenAt, 'When its first text came; null before.') firstTokenAt!: Date | null;
  @Column(attempts.endedAt, 'When it ended; null while it runs.') endedAt!: Date | null;
  @Column(attempts.endedBy, 'How it ended; null while it runs.', { type: () => AttemptEnd }) endedBy!: End | null;
  @Field(() => FailureCode, { nullable: true, description: 'Why it failed; null when it did not.' }) failureCode!: Code | null;
  @Column(attempts.failureMessage, 'What happened when it failed, for people; null when it did not.') failureMessage!:
    string | null;
  @Field(() => GenerationUsage, {
    nullable: true,
    description:
      'Tokens used; null until it has ended, and when the provider did not say: then that of the generation is unknown too.',
  })
  usage!: GenerationUsage | null;
  @Column(attempts.costMicros, 'What it cost, in millionths of a US dollar; null when the price or the usage is unknown.')
  costMicros!: number | null;
  @Field(() => GenerationEstimate, {
    nullable: true,
    description: 'What it may have used; null until it has ended, and where its provider said it.',
  })
  estimate!: GenerationEstimate | null;
}

@ObjectType({
  description: 'A model that was to write a generation and was not asked: no call, and no cost.',
  simpleResolvers: true,
})
export class GenerationSkip {
  @Field(() => String, { description: 'The model.' }) model!: string;
  @Field(() => SkipReason, { description: 'Why it was not asked.' }) reason!: WhySkipped;
  @Field(() => DateTime, { description: 'When.' }) at!: Date;
}

@ObjectType({ description: 'How a generation used the texts of others.', simpleResolvers: true })
export class GenerationCache {
  @Field(() => GenerationCacheMode, { description: 'What was wanted.' }) mode!: CacheMode;
  @Field(() => GenerationCacheOutcome, { description: 'Where its text comes from.' }) outcome!: CacheOutcome;
  @Field(() => Generation, {
    nullable: true,
    description: 'The generation whose text it copied; null when it copied none, and when that was deleted or is out of reach.',
  })
  source!: Generation | null;
}

@Directive('@key(fields: "id")')
@ObjectType({ description: 'One run: template version + variables + model choice -> one text.', implements: Node })
export class Generation extends Node {
  @Column(generations.id, 'Its id.') declare id: string;
  @Column(generations.status, 'How far it is.', { type: () => GenerationStatus }) status!: Status;
  @Field(() => String, { description: 'The text: while it runs, what is stored of it and still stands.' }) text!: string;
  @Field(() => String, { description: 'The position of exactly `text`: `generationStream(after:)` goes on there.' })
  cursor!: string;
  @Column(generations.requestedModel, 'The model or route that was asked for.') requestedModel!: string;
  @Column(generations.model, 'The model of the latest attempt.') model!: string;
  @Directive('@listSize(assumedSize: 3)')
  @Field(() => [GenerationAttempt], {
    description:
      'All calls to providers, oldest first; none where another text was copied. Models that were not called are in `skipped`.',
  })
  attempts!: GenerationAttempt[];
  @Directive('@listSize(assumedSize: 3)')
  @Field(() => [GenerationSkip], {
    description:
      'Models that were to write and were not asked, oldest first, at most the last 20; while it runs they may come a little later.',
  })
  skipped!: GenerationSkip[];
  @Column(generations.draft, 'The plain text that the template wrote by itself.') draft!: string;
  @Field(() => Template, { description: 'The template. Requires `templates:read`.' }) template!: Template;
  @Field(() => TemplateVersion, { description: 'The version of it that was used. Requires `templates:read`.' })
  templateVersion!: TemplateVersion;
  @Column(generations.variables, 'The facts that the caller gave, with the defaults of the template.') variables!: Record<
    string,
    unknown
  >;
  @Column(generations.metadata, 'What the caller attached; null when nothing was.') metadata!: Record<string, unknown> | null;
  @Field(() => GenerationUsage, {
    nullable: true,
    description: 'Tokens used by all attempts; null until it has finished, and when one of them is unknown.',
  })
  usage!: GenerationUsage | null;
  @Column(
    generations.costMicros,
    'What all attempts cost, in millionths of a US dollar; null until it has finished, and when a price or a usage is unknown.',
  )
  costMicros!: number | null;
  @Field(() => GenerationEstimate, {
    nullable: true,
    description:
      'What all attempts may have used where the provider of one did not say; null until it has finished, where all is known, and where nothing can be said of one of them.',
  })
  estimate!: GenerationEstimate | null;
  @Column(generations.createdAt, 'When it was asked for.') createdAt!: Date;
  @Column(generations.startedAt, 'When its first attempt began; null while it is queued.') startedAt!: Date | null;
  @Column(generations.firstTokenAt, 'When its first text came; null before.') firstTokenAt!: Date | null;
  @Column(generations.finishedAt, 'When it ended; null before.') finishedAt!: Date | null;
  @Column(generations.finishReason, 'Why the model stopped; null unless it finished.', { type: () => FinishReason })
  finishReason!: keyof typeof FinishReason | null;
  @Field(() => GenerationFailure, { nullable: true, description: 'Why it failed or stayed incomplete; null when it did not.' })
  failure!: GenerationFailure | null;
  @Field(() => Generation, {
    nullable: true,
    description: 'The generation that this one repeats; null when it repeats none, or it was deleted.',
  })
  retryOf!: Generation | null;
  @Field(() => GenerationCache, { nullable: true, description: 'How it used the texts of others; null when it did not.' })
  cache!: GenerationCache | null;
}

/** One page of generations. */
export const GenerationConnection = connectionOf(Generation);

/** The type of a message. */
export function typeOfMessage({ kind }: { readonly kind: string }): string {
  return kind;
}

/** What a stream says. `kind` names the type: plain values have no class. */
@InterfaceType({
  description: 'Something that happened to a generation.',
  resolveType: typeOfMessage,
})
export abstract class GenerationMessage {
  @Field(() => GraphQLID, { description: 'The generation.', simple: true }) generationId!: string;
  @Field(() => String, {
    description: 'The position after this message: `generationStream(after:)` goes on there.',
    simple: true,
  })
  cursor!: string;
  @Field(() => DateTime, { description: 'When it was sent.', simple: true }) at!: Date;
}

@ObjectType({ description: 'An attempt has begun to write.', implements: GenerationMessage, simpleResolvers: true })
export class GenerationStarted extends GenerationMessage {
  @Field(() => Int, { description: 'Number of the attempt.' }) attempt!: number;
  @Field(() => String, { description: 'The model that writes.' }) model!: string;
}

@ObjectType({ description: 'A piece of text.', implements: GenerationMessage, simpleResolvers: true })
export class GenerationDelta extends GenerationMessage {
  @Field(() => Int, {
    description: 'Where it begins in the text, in UTF-16 code units; always the length of the text before it.',
  })
  offset!: number;
  @Field(() => String, { description: 'The piece; never splits a surrogate pair.' }) text!: string;
}

@ObjectType({
  description: 'Another attempt took over: cut the text back to `offset` and go on.',
  implements: GenerationMessage,
  simpleResolvers: true,
})
export class GenerationRestarted extends GenerationMessage {
  @Field(() => Int, { description: 'How much of the text stays, in UTF-16 code units.' }) offset!: number;
  @Field(() => RestartReason, { description: 'Why.' }) reason!: Reason;
  @Field(() => Int, { description: 'Number of the attempt.' }) attempt!: number;
  @Field(() => String, { description: 'The model that writes now.' }) model!: string;
}

@ObjectType({ description: 'The end; nothing follows.', implements: GenerationMessage, simpleResolvers: true })
export class GenerationFinished extends GenerationMessage {
  @Field(() => Generation, { description: 'The generation as it was committed.' }) generation!: Generation;
}
