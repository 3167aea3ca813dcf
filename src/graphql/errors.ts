import 'reflect-metadata';
import { Directive, Field, Int, ObjectType } from 'type-graphql';
import { errorCodes, type AppError, type ErrorCode as Code } from '../kernel/errors.ts';
import { enumOf } from './enum.ts';
import { JSONObject } from './scalars.ts';

/** The GraphQL enum of the closed list of codes. */
export const ErrorCode = enumOf('ErrorCode', 'Why something was refused or failed: the only codes there are.', errorCodes);

/** An expected failure of a mutation. */
@Directive('@shareable')
@Directive('@cost(weight: 0)')
@ObjectType({ description: 'An expected failure of a mutation.', simpleResolvers: true })
export class UserError {
  @Field(() => ErrorCode, { description: 'What kind of failure it is.' }) code!: Code;
  @Field(() => String, { description: 'What is wrong, for people; names the offender.' }) message!: string;
  @Field(() => [String], { nullable: true, description: 'Where in the arguments the fault is; null when no single place is.' })
  path!: string[] | null;
  @Field(() => Int, { nullable: true, description: 'Milliseconds after which trying again can succeed; null when unknown.' })
  retryAfterMs!: number | null;
  @Field(() => JSONObject, {
    nullable: true,
    description:
      'What else is known, by code: of BUDGET_EXCEEDED and PRICE_UNKNOWN the `budget`, its `subject`, `unit`, `period` and `most`, what is `left`, ' +
      'what was `needed`, and when it resets (`resetsAt`). Null where there is nothing.',
  })
  details!: Record<string, unknown> | null;
}

/** The form in which an AppError is shown. */
export function userErrorOf({ code, message, path, retryAfterMs, details }: AppError): UserError {
  return { code, message, path: path?.map(String) ?? null, retryAfterMs, details };
}
