import 'reflect-metadata';
import { Directive, Field, ObjectType } from 'type-graphql';
import { AppError } from '../kernel/errors.ts';
import { UserError, userErrorOf } from './errors.ts';

/** What every mutation's payload class extends. The thing beside `errors` is nullable: null exactly when there are errors. */
@ObjectType({ simpleResolvers: true })
export abstract class Payload {
  @Directive('@listSize(assumedSize: 1)')
  @Field(() => [UserError], { description: 'Why it was not done; empty when it was.' })
  errors!: UserError[];
}

/** The things of a payload or, when `errors` is not empty, nulls. */
export type PayloadOf<T extends object> = { [K in keyof T]: T[K] | null } & { errors: UserError[] };

/** Runs a mutation's work and turns an AppError into `errors`. Everything unexpected is thrown on, to be masked and logged once. */
export async function payload<T extends object>(work: () => Promise<T>): Promise<PayloadOf<T>> {
  try {
    return { ...(await work()), errors: [] };
  } catch (error) {
    if (!(error instanceof AppError) || error.code === 'INTERNAL') throw error;
    // The absent things read as null.
    return { errors: [userErrorOf(error)] } as unknown as PayloadOf<T>;
  }
}
