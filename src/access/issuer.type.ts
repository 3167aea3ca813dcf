import { GraphQLID } from 'graphql';
import { Directive, Field, ObjectType } from 'type-graphql';
import { Column } from '../graphql/column.ts';
import { connectionOf } from '../graphql/connection.ts';
import { enumOf } from '../graphql/enum.ts';
import { Node } from '../graphql/node.ts';
import { Payload } from '../graphql/payload.ts';
import { signingAlgorithms, type SigningAlgorithm as Algorithm } from './algorithms.ts';
import { issuers } from './issuers.table.ts';

const families: Readonly<Record<string, string>> = { RS: 'RSASSA-PKCS1-v1_5', PS: 'RSASSA-PSS', ES: 'ECDSA', Ed: 'Ed25519' };

/** The GraphQL enum of the closed list of algorithms. */
export const SigningAlgorithm = enumOf(
  'SigningAlgorithm',
  'How a token may be signed, as JOSE names it: always with a private key that its issuer keeps.',
  Object.fromEntries(
    signingAlgorithms.map((name) => {
      const [family = '', bits = ''] = [families[name.slice(0, 2)], /\d{3}$/.exec(name)?.[0]];
      return [name, bits === '' ? `${family}.` : `${family} with SHA-${bits}.`];
    }),
  ) as Record<Algorithm, string>,
);

@ObjectType({ description: 'Which role somebody has here who has a role at their issuer.', simpleResolvers: true })
export class IssuerRole {
  @Field(() => String, { description: 'The role as tokens name it.' }) value!: string;
  @Field(() => String, { description: 'The name of the role here.' }) role!: string;
}

@Directive('@key(fields: "id")')
@ObjectType({ description: 'An OIDC issuer whose tokens prove people of the tenant.', implements: Node, simpleResolvers: true })
export class Issuer extends Node {
  @Column(issuers.id, 'Its id.') declare id: string;
  @Column(issuers.name, 'What people call it.') name!: string;
  @Column(issuers.url, 'Its URL; tokens have it in `iss`.') url!: string;
  @Column(issuers.audience, 'What its tokens have in `aud`.') audience!: string;
  @Column(issuers.algorithms, 'How its tokens may be signed; all others are refused.', { type: () => [SigningAlgorithm] })
  algorithms!: Algorithm[];
  @Column(issuers.subjectClaim, 'The claim that names a person.') subjectClaim!: string;
  @Column(issuers.emailClaim, 'The claim with their email address; null for none.') emailClaim!: string | null;
  @Column(issuers.roleClaim, 'The claim with their roles; null for none.') roleClaim!: string | null;
  @Field(() => [IssuerRole], { description: 'Which roles those of the issuer are here.' }) roles!: IssuerRole[];
  @Column(issuers.defaultRole, 'The name of the role of those who have none of these; null refuses them.')
  defaultRole!: string | null;
  @Column(issuers.isEnabled, 'Whether its tokens are taken.') isEnabled!: boolean;
  @Column(issuers.createdAt, 'When it was registered.') createdAt!: Date;
}

export const IssuerConnection = connectionOf(Issuer);

@ObjectType({ description: 'What `issuerCreate` did.', simpleResolvers: true })
export class IssuerCreatePayload extends Payload {
  @Field(() => Issuer, { nullable: true, description: 'The issuer; null when there are errors.' }) issuer!: Issuer | null;
}

@ObjectType({ description: 'What `issuerUpdate` did.', simpleResolvers: true })
export class IssuerUpdatePayload extends Payload {
  @Field(() => Issuer, { nullable: true, description: 'The issuer; null when there are errors.' }) issuer!: Issuer | null;
}

@ObjectType({ description: 'What `issuerDelete` did.', simpleResolvers: true })
export class IssuerDeletePayload extends Payload {
  @Field(() => GraphQLID, { nullable: true, description: 'The id of what was deleted; null when there are errors.' })
  deletedId!: string | null;
}
