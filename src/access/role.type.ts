import { Directive, Field, ID, ObjectType } from 'type-graphql';
import { Node } from '../graphql/node.ts';
import { Payload } from '../graphql/payload.ts';

@Directive('@key(fields: "id")')
@ObjectType({ description: 'What a member may do.', implements: Node, simpleResolvers: true })
export class Role extends Node {
  @Field(() => ID, { description: 'Its id.' }) declare id: string;
  @Field(() => String, { description: 'Its name, which members and invitations hold; it never changes.' }) name!: string;
  @Field(() => [String], { description: 'What its members may do, where the key in use may too.' }) permissions!: string[];
  @Field(() => Boolean, { description: 'Whether every tenant has it, and nobody can change it.' }) isBuiltIn!: boolean;
}

@ObjectType({ description: 'What `roleCreate` did.', simpleResolvers: true })
export class RoleCreatePayload extends Payload {
  @Field(() => Role, { nullable: true, description: 'The role; null when there are errors.' }) role!: Role | null;
}

@ObjectType({ description: 'What `roleUpdate` did.', simpleResolvers: true })
export class RoleUpdatePayload extends Payload {
  @Field(() => Role, { nullable: true, description: 'The role; null when there are errors.' }) role!: Role | null;
}

@ObjectType({ description: 'What `roleDelete` did.', simpleResolvers: true })
export class RoleDeletePayload extends Payload {
  @Field(() => ID, { nullable: true, description: 'The id that is gone; null when there are errors.' }) deletedId!: string | null;
}
