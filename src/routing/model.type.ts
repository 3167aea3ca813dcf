import { Field, ID, Int, ObjectType } from 'type-graphql';

@ObjectType({ description: 'A model that can be chosen.', simpleResolvers: true })
export class Model {
  @Field(() => ID, { description: 'What `generationStart` takes: `<provider>/<name>`.' }) id!: string;
  @Field(() => String, { description: 'The provider.' }) provider!: string;
  @Field(() => String, { description: "The provider's own name of it." }) name!: string;
  @Field(() => Int, { nullable: true, description: 'Tokens of prompt and answer together; null when unknown.' }) contextWindow!:
    number | null;
  @Field(() => Int, { nullable: true, description: 'Tokens it can write; null when unknown.' }) maxOutputTokens!: number | null;
  @Field(() => Boolean, { description: 'Whether `auto` begins with it.' }) isDefault!: boolean;
}
