import { Field, InputType } from 'type-graphql';

@InputType('TemplateFilter', { description: 'Which templates to list.' })
export class TemplateFilterInput {
  @Field(() => String, { nullable: true, description: 'Only those of this kind, such as `cover-letter`.' }) kind?: string | null;
}
