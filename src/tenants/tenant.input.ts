import { Field, InputType, Int } from 'type-graphql';
import { GenerationCacheMode } from './tenant.type.ts';
import type { CacheMode } from './tenants.table.ts';

@InputType({ description: 'What to change about the own tenant; absent fields stay.' })
export class TenantUpdateInput {
  @Field(() => Int, {
    nullable: true,
    description: 'Days after which finished generations are deleted, 1 to 3650; null keeps them.',
  })
  generationRetentionDays?: number | null;
  @Field(() => Boolean, {
    nullable: true,
    description:
      'Whether personal details are masked in all prompts before they leave, whatever the templates say; null leaves it.',
  })
  masksPersonalData?: boolean | null;
  @Field(() => GenerationCacheMode, {
    nullable: true,
    description: 'How generations use the texts of others where their callers say nothing; null leaves it.',
  })
  generationCacheMode?: CacheMode | null;
  @Field(() => Int, {
    nullable: true,
    description:
      'Seconds after the end of a generation, 1 to 2592000, for which its text may be taken where their callers say nothing; null for a day.',
  })
  generationCacheMaxAgeSeconds?: number | null;
  @Field(() => String, { nullable: true, description: 'Its name, 1 to 200 characters; null leaves it.' }) name?: string | null;
}

@InputType({ description: 'The own tenant, to delete.' })
export class TenantDeleteInput {
  @Field(() => String, { description: 'Its name, so that nobody does it by accident.' }) name!: string;
}
