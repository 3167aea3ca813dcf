import { GraphQLID } from 'graphql';
import { Field, InputType } from 'type-graphql';
import type { SigningAlgorithm as Algorithm } from './algorithms.ts';
import { SigningAlgorithm } from './issuer.type.ts';

@InputType({ description: 'Which role somebody has here who has a role at their issuer.' })
export class IssuerRoleInput {
  @Field(() => String, { description: 'The role as tokens name it, 1 to 200 characters.' }) value!: string;
  @Field(() => String, {
    description: 'The name of the role here, built-in or the tenant’s own: nobody gives what they do not have.',
  })
  role!: string;
}

@InputType({ description: 'How the tokens of an issuer are read.' })
class IssuerReading {
  @Field(() => [SigningAlgorithm], {
    nullable: true,
    description:
      'How its tokens may be signed; all others are refused. Absent or null: what the issuer says of itself now, RS256 if it says nothing.',
  })
  algorithms?: Algorithm[] | null;
  @Field(() => String, { nullable: true, description: 'The claim that names a person for good; `sub` when absent or null.' })
  subjectClaim?: string | null;
  @Field(() => String, {
    nullable: true,
    description: 'The claim with their email address; `email` when absent. Null: addresses are not read.',
  })
  emailClaim?: string | null;
  @Field(() => String, {
    nullable: true,
    description:
      'The claim with their roles: a list, or words in one text. A name (`https://acme.example/roles`) or a way through objects ' +
      '(`realm_access.roles`). Absent or null: there is none.',
  })
  roleClaim?: string | null;
  @Field(() => [IssuerRoleInput], {
    nullable: true,
    description: 'Which roles those of the issuer are here, at most 100; whoever has several may do what they allow together.',
  })
  roles?: IssuerRoleInput[] | null;
  @Field(() => String, {
    nullable: true,
    description: 'The name of the role of those who have none of these. Absent or null: their tokens are refused.',
  })
  defaultRole?: string | null;
}

@InputType({ description: 'An issuer to register.' })
export class IssuerCreateInput extends IssuerReading {
  @Field(() => String, {
    description: 'Its URL, exactly as its tokens have it in `iss`; its discovery document is read there, over https.',
  })
  url!: string;
  @Field(() => String, {
    nullable: true,
    description:
      'What its tokens have in `aud`, such as a client id. Together with the URL it may be registered once, by a tenant that shows a `token` ' +
      'for it. Absent or null: the id of the own tenant, which nobody else may register.',
  })
  audience?: string | null;
  @Field(() => String, {
    nullable: true,
    description:
      'A token (JWT) of this issuer that is for `audience` and valid now, anybody’s: it shows that the audience is yours to register, is ' +
      'checked and not kept. Absent or null is enough where `audience` is.',
  })
  token?: string | null;
  @Field(() => String, { nullable: true, description: 'What people call it, 1 to 200 characters; its host when absent or null.' })
  name?: string | null;
  @Field(() => String, {
    nullable: true,
    description:
      '1 to 255 characters: the same member, key and input give the same issuer for 24 hours; another input is CONFLICT.',
  })
  idempotencyKey?: string | null;
}

@InputType({ description: 'What to change about an issuer; absent fields stay.' })
export class IssuerUpdateInput {
  @Field(() => GraphQLID, { description: 'The issuer.' }) id!: string;
  @Field(() => String, { nullable: true, description: 'What people call it; null leaves it.' }) name?: string | null;
  @Field(() => Boolean, { nullable: true, description: 'Whether its tokens are taken; null leaves it.' }) isEnabled?:
    boolean | null;
  @Field(() => [SigningAlgorithm], { nullable: true, description: 'How its tokens may be signed; null leaves it.' })
  algorithms?: Algorithm[] | null;
  @Field(() => String, {
    nullable: true,
    description: 'The claim that names a person; null leaves it. With another claim its people are other members.',
  })
  subjectClaim?: string | null;
  @Field(() => String, { nullable: true, description: 'The claim with their email address; null for none.' })
  emailClaim?: string | null;
  @Field(() => String, { nullable: true, description: 'The claim with their roles; null for none.' }) roleClaim?: string | null;
  @Field(() => [IssuerRoleInput], { nullable: true, description: 'Which roles those of the issuer are here; null leaves them.' })
  roles?: IssuerRoleInput[] | null;
  @Field(() => String, { nullable: true, description: 'The role of those who have none of these; null refuses them.' })
  defaultRole?: string | null;
}

@InputType({ description: 'An issuer to delete.' })
export class IssuerDeleteInput {
  @Field(() => GraphQLID, { description: 'The issuer.' }) id!: string;
}
