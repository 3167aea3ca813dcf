/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
/** A key to make. */
export type ApiKeyCreateInput = {
  /** From this moment it is refused; absent and null for no such moment. It is never later than the end of the key in use. */
  readonly expiresAt?: string | null | undefined;
  /** 1 to 255 characters: the same member, key and input give the same answer for 24 hours, the secret too if the same key or issuer proves who asks; another input is CONFLICT. */
  readonly idempotencyKey?: string | null | undefined;
  /** Generations that are queued or running, 1 to 100000000, beside the limits of its member and tenant; null for no limit, or that of the key in use. */
  readonly maxGenerations?: number | null | undefined;
  /** Open WebSockets, 1 to 100000000, beside the limits of its member and tenant; null for no limit, or that of the key in use. */
  readonly maxSockets?: number | null | undefined;
  /** Running subscriptions, 1 to 100000000, beside the limits of its member and tenant; null for no limit, or that of the key in use. */
  readonly maxSubscriptions?: number | null | undefined;
  /** What people call it, 1 to 200 characters; on record in the audit log as typed, so by its job, not by a person. */
  readonly name: string;
  /** What it may do, one or more of `viewer { permissions }`: nobody gives what they do not have. */
  readonly permissions: ReadonlyArray<string>;
  /** Operations in 60 s, 1 to 100000000, beside the limits of its member and tenant; null for no limit, or that of the key in use. */
  readonly requestsPerMinute?: number | null | undefined;
  /** Generations started or retried in 60 s, 1 to 100000000, beside the limits of its member and tenant; null for no limit, or that of the key in use. */
  readonly startsPerMinute?: number | null | undefined;
};

/** A key to end. */
export type ApiKeyRevokeInput = {
  /** The key. */
  readonly id: string;
};

/** A key to replace. */
export type ApiKeyRotateInput = {
  /** The key. */
  readonly id: string;
  /** 1 to 255 characters: the same member, key and input give the same answer for 24 hours, the secret too if the same key or issuer proves who asks; another input is CONFLICT. */
  readonly idempotencyKey?: string | null | undefined;
  /** Seconds that the old key stays valid beside the new one, 0 to 2592000 (30 days); a day when absent. */
  readonly overlapSeconds?: number | null | undefined;
};

/** What to change about a key; absent fields stay. */
export type ApiKeyUpdateInput = {
  /** The key. */
  readonly id: string;
  /** Generations that are queued or running, 1 to 100000000, beside the limits of its member and tenant; null for no limit, or that of the key in use. */
  readonly maxGenerations?: number | null | undefined;
  /** Open WebSockets, 1 to 100000000, beside the limits of its member and tenant; null for no limit, or that of the key in use. */
  readonly maxSockets?: number | null | undefined;
  /** Running subscriptions, 1 to 100000000, beside the limits of its member and tenant; null for no limit, or that of the key in use. */
  readonly maxSubscriptions?: number | null | undefined;
  /** Operations in 60 s, 1 to 100000000, beside the limits of its member and tenant; null for no limit, or that of the key in use. */
  readonly requestsPerMinute?: number | null | undefined;
  /** Generations started or retried in 60 s, 1 to 100000000, beside the limits of its member and tenant; null for no limit, or that of the key in use. */
  readonly startsPerMinute?: number | null | undefined;
};

/** Why something was refused or failed: the only codes there are. */
export type ErrorCode =
  /** The request is not a well-formed GraphQL request. */
  | 'BAD_REQUEST'
  /** A budget has no room for what was asked; the message and `details` say which, how much is left and when it resets. */
  | 'BUDGET_EXCEEDED'
  /** The request contradicts what is stored, such as an idempotency key used with another input. */
  | 'CONFLICT'
  /** Only listed documents run here, and this is none of them. */
  | 'DOCUMENT_NOT_TRUSTED'
  /** The key or token is valid but lacks a permission; the message names it. */
  | 'FORBIDDEN'
  /** The document is not GraphQL. */
  | 'GRAPHQL_PARSE_FAILED'
  /** The document does not fit the schema. */
  | 'GRAPHQL_VALIDATION_FAILED'
  /** A fault of ours; the request id finds it in the log. */
  | 'INTERNAL'
  /** A cursor that is malformed, or belongs to another list, thing or attempt. */
  | 'INVALID_CURSOR'
  /** A value in the input does not fit; `path` names it. */
  | 'INVALID_INPUT'
  /** The document is deeper, wider, longer or dearer than is allowed; the message names the limit. */
  | 'LIMIT_EXCEEDED'
  /** No such thing, or not yours: the two are deliberately not told apart. */
  | 'NOT_FOUND'
  /** This transport does not carry this kind of operation. */
  | 'OPERATION_NOT_SUPPORTED'
  /** The request body or message is above the size limit. */
  | 'PAYLOAD_TOO_LARGE'
  /** No document is known by this hash; send the document along with it. */
  | 'PERSISTED_QUERY_NOT_FOUND'
  /** A model that may be called has no known price, and a budget in money does not allow that; `details` say which. */
  | 'PRICE_UNKNOWN'
  /** Too many requests; `retryAfterMs` says when to come back. */
  | 'RATE_LIMITED'
  /** The work did not end within its deadline. */
  | 'TIMEOUT'
  /** No key or token, or one that is unknown, expired or revoked. */
  | 'UNAUTHENTICATED'
  /** A part we need is away or shutting down; retry later. */
  | 'UNAVAILABLE';

/** How an attempt ended. */
export type GenerationAttemptEnd =
  /** The generation was cancelled. */
  | 'CANCELLED'
  /** The provider failed, a deadline ran out, or the text did not pass the checks. */
  | 'FAILED'
  /** The provider finished. */
  | 'FINISHED'
  /** Another model was asked beside it and was first; what it used is not known (`estimate`). */
  | 'OUTRUN'
  /** Its process was lost. */
  | 'TAKEN_OVER';

/** How to use the texts of others, and for how long others may use this one. */
export type GenerationCacheInput = {
  /** Seconds after the end of a generation, 1 to 2592000, for which its text may be taken: the oldest one to take, and how long this one is given. When absent as the template says, else a day. */
  readonly maxAgeSeconds?: number | null | undefined;
  /** Whether to take a text, to give its own, both or neither. */
  readonly mode: GenerationCacheMode;
};

/** How a generation uses the texts of others. */
export type GenerationCacheMode =
  /** Not at all. */
  | 'OFF'
  /** It may be given the text of another; else others may be given its own. */
  | 'ON'
  /** It may be given the text of another; its own is given to nobody. */
  | 'READ'
  /** It writes its own text, which others may be given. */
  | 'WRITE';

/** What to cancel. */
export type GenerationCancelInput = {
  /** The generation. */
  readonly id: string;
};

/** What to delete. */
export type GenerationDeleteInput = {
  /** The generation. */
  readonly id: string;
};

/** Why a generation failed or stayed incomplete: the only codes there are. */
export type GenerationFailureCode =
  /** The processes writing it were lost too often. */
  | 'ABANDONED'
  /** A budget has no room for one more call after one that failed or was lost; the message says which. */
  | 'BUDGET_EXCEEDED'
  /** The provider refuses this content. */
  | 'CONTENT_REFUSED'
  /** Prompt and answer do not fit the window of the model. */
  | 'CONTEXT_TOO_LONG'
  /** The tenant has a key of its own for the provider, and it cannot be decrypted; nobody was called. */
  | 'CREDENTIAL_UNREADABLE'
  /** The model finished without writing anything. */
  | 'EMPTY_COMPLETION'
  /** The text did not pass the checks of its template, twice; the message says what is wrong with the second. */
  | 'GUARD_FAILED'
  /** A fault of ours; the log has the cause. */
  | 'INTERNAL'
  /** The provider does not accept the request. */
  | 'INVALID_REQUEST'
  /** The provider does not have this model. */
  | 'MODEL_NOT_FOUND'
  /** The provider could not be reached or the connection broke. */
  | 'NETWORK'
  /** The provider is overloaded or failing (HTTP 5xx, in-band server errors). */
  | 'OVERLOADED'
  /** The price of a model that would be called next is not known, which a budget does not allow. */
  | 'PRICE_UNKNOWN'
  /** The provider does not accept the key, or the key may not use this model. */
  | 'PROVIDER_AUTH'
  /** The account at the provider is out of money or quota. */
  | 'PROVIDER_QUOTA'
  /** The provider refuses for now: too many requests or tokens. */
  | 'RATE_LIMITED'
  /** The stream ended before its finish signal. */
  | 'STREAM_CUT'
  /** The provider sent something that is not its own protocol. */
  | 'STREAM_MALFORMED'
  /** A deadline ran out. */
  | 'TIMEOUT';

/** Which generations to list. */
export type GenerationFilter = {
  /** Only those created at this moment or later. */
  readonly createdAfter?: string | null | undefined;
  /** Only those created before this moment. */
  readonly createdBefore?: string | null | undefined;
  /** Only those with one of these statuses. */
  readonly status?: ReadonlyArray<GenerationStatus> | null | undefined;
  /** Only those of the template with this slug. */
  readonly template?: string | null | undefined;
};

/** Why the model stopped. */
export type GenerationFinishReason =
  /** A filter of the provider stopped it. */
  | 'CONTENT_FILTER'
  /** It reached the limit of tokens. */
  | 'LENGTH'
  /** A reason that the provider added since. */
  | 'OTHER'
  /** It was done. */
  | 'STOP';

/** Why an attempt took the place of another. */
export type GenerationRestartReason =
  /** The processes writing it were lost too often. */
  | 'ABANDONED'
  /** It was cancelled while nobody was writing it. */
  | 'CANCELLED'
  /** The text did not pass the checks of its template; it is written once more. */
  | 'GUARD'
  /** The first text was late: a second model was asked beside it, and one of the two goes on. */
  | 'HEDGE'
  /** The provider failed. */
  | 'PROVIDER_ERROR'
  /** The generation whose text it shared ended without one, or was deleted. */
  | 'SOURCE_LOST'
  /** The process writing it was lost; another went on. */
  | 'TAKE_OVER'
  /** The total deadline ran out while nobody was writing it. */
  | 'TIMEOUT';

/** What to write again. */
export type GenerationRetryInput = {
  /** When absent it writes a new text, which takes the place of the one before where that was given to others. */
  readonly cache?: GenerationCacheInput | null | undefined;
  /** The generation; it must have ended. */
  readonly id: string;
  /** 1 to 255 characters: the same member, key and input give the same generation for 24 hours; another input is CONFLICT. */
  readonly idempotencyKey?: string | null | undefined;
  /** Another model or route; the same as before when absent. */
  readonly model?: string | null | undefined;
};

/** Why a model was not asked. */
export type GenerationSkipReason =
  /** It failed too often lately: its circuit breaker is open. */
  | 'BREAKER_OPEN'
  /** There were as many calls to its provider as are allowed at a time. */
  | 'NO_PLACE';

/** What to write. */
export type GenerationStartInput = {
  /** Whether it may share a text with others that come to the same; as the tenant wants it when absent. */
  readonly cache?: GenerationCacheInput | null | undefined;
  /** 1 to 255 characters: the same member, key and input give the same generation for 24 hours; another input is CONFLICT. */
  readonly idempotencyKey?: string | null | undefined;
  /** Tokens the model may write, 1 to 32000; the limit of the template when absent. */
  readonly maxOutputTokens?: number | null | undefined;
  /** Anything of yours to find it again by, up to 16 KiB of JSON. A text at `team` names the team whose budgets count the generation. */
  readonly metadata?: Record<string, unknown> | null | undefined;
  /** A model id like `anthropic/<name>`, or a route. */
  readonly model?: string | null | undefined;
  /** 0 to 2; left to the model when absent. */
  readonly temperature?: number | null | undefined;
  /** Slug, or the id of a template or of one version. */
  readonly template: string;
  /** The facts; `TemplateVersion.variablesSchema` describes them. */
  readonly variables: Record<string, unknown>;
};

/** How far a generation is. */
export type GenerationStatus =
  /** Somebody cancelled it; the text written until then is kept. */
  | 'CANCELLED'
  /** There is no text to use; `failure` says why. */
  | 'FAILED'
  /** The text is kept, but the model stopped at its limit, or its stream died and nothing could go on. */
  | 'INCOMPLETE'
  /** Waits for a process with room. */
  | 'QUEUED'
  /** Is being written. */
  | 'RUNNING'
  /** Whole. */
  | 'SUCCEEDED';

/** Who accepts. */
export type InvitationAcceptInput = {
  /** 1 to 255 characters: the same invitation, key and input give the same member and the same key for 24 hours; another input is CONFLICT. */
  readonly idempotencyKey?: string | null | undefined;
  /** What people call them, 1 to 200 characters; null for nothing. */
  readonly name?: string | null | undefined;
};

/** Whom to invite. */
export type InvitationCreateInput = {
  /** Their email address; nothing is sent there. */
  readonly email: string;
  /** Seconds after which it is refused, 60 to 2592000 (30 days); 7 days when absent. */
  readonly expiresInSeconds?: number | null | undefined;
  /** 1 to 255 characters: the same member, key and input give the same invitation for 24 hours, its token too if the same key or issuer proves who asks; another input is CONFLICT. */
  readonly idempotencyKey?: string | null | undefined;
  /** The name of the role they are to have, one of `roles { name }`; the caller has all of its permissions. */
  readonly role: string;
};

/** An invitation to take back. */
export type InvitationRevokeInput = {
  /** The invitation. */
  readonly id: string;
};

/** Where an invitation is on its way. */
export type InvitationStatus =
  /** It has made a member. */
  | 'ACCEPTED'
  /** Nobody accepted it in time. */
  | 'EXPIRED'
  /** It can be accepted. */
  | 'PENDING'
  /** It was taken back. */
  | 'REVOKED';

/** An issuer to register. */
export type IssuerCreateInput = {
  /** How its tokens may be signed; all others are refused. Absent or null: what the issuer says of itself now, RS256 if it says nothing. */
  readonly algorithms?: ReadonlyArray<SigningAlgorithm> | null | undefined;
  /** What its tokens have in `aud`, such as a client id. Together with the URL it may be registered once, by a tenant that shows a `token` for it. Absent or null: the id of the own tenant, which nobody else may register. */
  readonly audience?: string | null | undefined;
  /** The name of the role of those who have none of these. Absent or null: their tokens are refused. */
  readonly defaultRole?: string | null | undefined;
  /** The claim with their email address; `email` when absent. Null: addresses are not read. */
  readonly emailClaim?: string | null | undefined;
  /** 1 to 255 characters: the same member, key and input give the same issuer for 24 hours; another input is CONFLICT. */
  readonly idempotencyKey?: string | null | undefined;
  /** What people call it, 1 to 200 characters; its host when absent or null. */
  readonly name?: string | null | undefined;
  /** The claim with their roles: a list, or words in one text. A name (`https://acme.example/roles`) or a way through objects (`realm_access.roles`). Absent or null: there is none. */
  readonly roleClaim?: string | null | undefined;
  /** Which roles those of the issuer are here, at most 100; whoever has several may do what they allow together. */
  readonly roles?: ReadonlyArray<IssuerRoleInput> | null | undefined;
  /** The claim that names a person for good; `sub` when absent or null. */
  readonly subjectClaim?: string | null | undefined;
  /** A token (JWT) of this issuer that is for `audience` and valid now, anybody’s: it shows that the audience is yours to register, is checked and not kept. Absent or null is enough where `audience` is. */
  readonly token?: string | null | undefined;
  /** Its URL, exactly as its tokens have it in `iss`; its discovery document is read there, over https. */
  readonly url: string;
};

/** An issuer to delete. */
export type IssuerDeleteInput = {
  /** The issuer. */
  readonly id: string;
};

/** Which role somebody has here who has a role at their issuer. */
export type IssuerRoleInput = {
  /** The name of the role here, built-in or the tenant’s own: nobody gives what they do not have. */
  readonly role: string;
  /** The role as tokens name it, 1 to 200 characters. */
  readonly value: string;
};

/** What to change about an issuer; absent fields stay. */
export type IssuerUpdateInput = {
  /** How its tokens may be signed; null leaves it. */
  readonly algorithms?: ReadonlyArray<SigningAlgorithm> | null | undefined;
  /** The role of those who have none of these; null refuses them. */
  readonly defaultRole?: string | null | undefined;
  /** The claim with their email address; null for none. */
  readonly emailClaim?: string | null | undefined;
  /** The issuer. */
  readonly id: string;
  /** Whether its tokens are taken; null leaves it. */
  readonly isEnabled?: boolean | null | undefined;
  /** What people call it; null leaves it. */
  readonly name?: string | null | undefined;
  /** The claim with their roles; null for none. */
  readonly roleClaim?: string | null | undefined;
  /** Which roles those of the issuer are here; null leaves them. */
  readonly roles?: ReadonlyArray<IssuerRoleInput> | null | undefined;
  /** The claim that names a person; null leaves it. With another claim its people are other members. */
  readonly subjectClaim?: string | null | undefined;
};

/** What is limited. */
export type LimitName =
  /** Generations started with the key that are queued or running. */
  | 'GENERATIONS_PER_KEY'
  /** Generations of a member that are queued or running. */
  | 'GENERATIONS_PER_MEMBER'
  /** Generations of all members that are queued or running. */
  | 'GENERATIONS_PER_TENANT'
  /** Operations with the key in 60 s. */
  | 'REQUESTS_PER_KEY'
  /** Operations of a member in 60 s. */
  | 'REQUESTS_PER_MEMBER'
  /** Operations of all members in 60 s. */
  | 'REQUESTS_PER_TENANT'
  /** WebSockets opened with the key that are open. */
  | 'SOCKETS_PER_KEY'
  /** WebSockets of a member that are open. */
  | 'SOCKETS_PER_MEMBER'
  /** WebSockets of all members that are open. */
  | 'SOCKETS_PER_TENANT'
  /** Generations that are started or retried with the key in 60 s. */
  | 'STARTS_PER_KEY'
  /** Generations that a member starts or retries in 60 s. */
  | 'STARTS_PER_MEMBER'
  /** Subscriptions started with the key that run. */
  | 'SUBSCRIPTIONS_PER_KEY'
  /** Subscriptions of a member that run. */
  | 'SUBSCRIPTIONS_PER_MEMBER'
  /** Subscriptions of all members that run. */
  | 'SUBSCRIPTIONS_PER_TENANT';

/** A member to remove. */
export type MemberRemoveInput = {
  /** The member. */
  readonly id: string;
};

/** Whether somebody is a member. */
export type MemberStatus =
  /** They are. */
  | 'ACTIVE'
  /** They were: what they made stays. */
  | 'REMOVED';

/** What to change about a member; absent fields stay. */
export type MemberUpdateInput = {
  /** The member. */
  readonly id: string;
  /** What people call them, 1 to 200 characters; null for nothing. */
  readonly name?: string | null | undefined;
  /** The name of their role from now on, one of `roles { name }`; the caller has all of its permissions. For people of an issuer that is registered their tokens say it. */
  readonly role?: string | null | undefined;
};

/** Which wall decides whether somebody may do something. */
export type PermissionReason =
  /** The person or role may do what the caller may not, and who may do less changes neither; or the role is built in. */
  | 'BEYOND'
  /** No wall stands in the way. */
  | 'GRANTED'
  /** The role has the permission; the key or token in use does not. */
  | 'KEY'
  /** The thing is another member’s, and only the own ones are within reach. */
  | 'OTHERS'
  /** The role of the member does not have the permission. */
  | 'ROLE'
  /** There is no such thing in this tenant. */
  | 'UNKNOWN';

/** A role to make. */
export type RoleCreateInput = {
  /** 1 to 255 characters: the same member, key and input give the same role for 24 hours; another input is CONFLICT. */
  readonly idempotencyKey?: string | null | undefined;
  /** Its name, 1 to 60 characters, for good. */
  readonly name: string;
  /** What it may do, one or more of `viewer { permissions }`: nobody gives what they do not have. */
  readonly permissions: ReadonlyArray<string>;
};

/** A role to delete. */
export type RoleDeleteInput = {
  /** The role. */
  readonly id: string;
};

/** A role to change. */
export type RoleUpdateInput = {
  /** The role. */
  readonly id: string;
  /** All that it may do from now on, one or more of `viewer { permissions }`. */
  readonly permissions: ReadonlyArray<string>;
};

/** How a token may be signed, as JOSE names it: always with a private key that its issuer keeps. */
export type SigningAlgorithm =
  /** ECDSA with SHA-256. */
  | 'ES256'
  /** ECDSA with SHA-384. */
  | 'ES384'
  /** ECDSA with SHA-512. */
  | 'ES512'
  /** Ed25519 with SHA-519. */
  | 'Ed25519'
  /** Ed25519. */
  | 'EdDSA'
  /** RSASSA-PSS with SHA-256. */
  | 'PS256'
  /** RSASSA-PSS with SHA-384. */
  | 'PS384'
  /** RSASSA-PSS with SHA-512. */
  | 'PS512'
  /** RSASSA-PKCS1-v1_5 with SHA-256. */
  | 'RS256'
  /** RSASSA-PKCS1-v1_5 with SHA-384. */
  | 'RS384'
  /** RSASSA-PKCS1-v1_5 with SHA-512. */
  | 'RS512';

/** Which templates to list. */
export type TemplateFilter = {
  /** Only those of this kind, such as `cover-letter`. */
  readonly kind?: string | null | undefined;
};

/** The tenant to make. */
export type TenantCreateInput = {
  /** 1 to 255 characters: the same member, key and input give the same tenant for 24 hours, its owner’s key too if the same key or issuer proves who asks; another input is CONFLICT. */
  readonly idempotencyKey?: string | null | undefined;
  /** Its name, 1 to 200 characters. */
  readonly name: string;
  /** The email address of its first owner; nothing is sent there. */
  readonly ownerEmail: string;
};

/** The own tenant, to delete. */
export type TenantDeleteInput = {
  /** Its name, so that nobody does it by accident. */
  readonly name: string;
};

/** A limit to set. */
export type TenantLimitInput = {
  /** How much is allowed, 1 to what the installation allows; absent and null for as much as that. */
  readonly most?: number | null | undefined;
  /** Which one, of those that end with `_PER_MEMBER` or `_PER_TENANT`. */
  readonly name: LimitName;
};

/** What to change about the limits of the own tenant. */
export type TenantLimitsUpdateInput = {
  /** The limits to set, each once; all others stay. */
  readonly limits: ReadonlyArray<TenantLimitInput>;
};

/** What to change about the own tenant; absent fields stay. */
export type TenantUpdateInput = {
  /** Seconds after the end of a generation, 1 to 2592000, for which its text may be taken where their callers say nothing; null for a day. */
  readonly generationCacheMaxAgeSeconds?: number | null | undefined;
  /** How generations use the texts of others where their callers say nothing; null leaves it. */
  readonly generationCacheMode?: GenerationCacheMode | null | undefined;
  /** Days after which finished generations are deleted, 1 to 3650; null keeps them. */
  readonly generationRetentionDays?: number | null | undefined;
  /** Whether personal details are masked in all prompts before they leave, whatever the templates say; null leaves it. */
  readonly masksPersonalData?: boolean | null | undefined;
  /** Its name, 1 to 200 characters; null leaves it. */
  readonly name?: string | null | undefined;
};

export type ApiKeyCreateMutationVariables = Exact<{
  input: ApiKeyCreateInput;
}>;

export type ApiKeyCreateMutation = {
  readonly apiKeyCreate: {
    readonly secret: string | null;
    readonly apiKey: {
      readonly id: string;
      readonly name: string;
      readonly fingerprint: string;
      readonly permissions: ReadonlyArray<string>;
      readonly createdAt: string;
      readonly expiresAt: string | null;
      readonly lastUsedAt: string | null;
      readonly revokedAt: string | null;
      readonly requestsPerMinute: number | null;
      readonly startsPerMinute: number | null;
      readonly maxGenerations: number | null;
      readonly maxSockets: number | null;
      readonly maxSubscriptions: number | null;
      readonly member: { readonly id: string };
    } | null;
    readonly errors: ReadonlyArray<{
      readonly code: ErrorCode;
      readonly message: string;
      readonly path: ReadonlyArray<string> | null;
    }>;
  };
};

export type ApiKeyRevokeMutationVariables = Exact<{
  input: ApiKeyRevokeInput;
}>;

export type ApiKeyRevokeMutation = {
  readonly apiKeyRevoke: {
    readonly apiKey: {
      readonly id: string;
      readonly name: string;
      readonly fingerprint: string;
      readonly permissions: ReadonlyArray<string>;
      readonly createdAt: string;
      readonly expiresAt: string | null;
      readonly lastUsedAt: string | null;
      readonly revokedAt: string | null;
      readonly requestsPerMinute: number | null;
      readonly startsPerMinute: number | null;
      readonly maxGenerations: number | null;
      readonly maxSockets: number | null;
      readonly maxSubscriptions: number | null;
      readonly member: { readonly id: string };
    } | null;
    readonly errors: ReadonlyArray<{
      readonly code: ErrorCode;
      readonly message: string;
      readonly path: ReadonlyArray<string> | null;
    }>;
  };
};

export type ApiKeyRotateMutationVariables = Exact<{
  input: ApiKeyRotateInput;
}>;

export type ApiKeyRotateMutation = {
  readonly apiKeyRotate: {
    readonly secret: string | null;
    readonly apiKey: {
      readonly id: string;
      readonly name: string;
      readonly fingerprint: string;
      readonly permissions: ReadonlyArray<string>;
      readonly createdAt: string;
      readonly expiresAt: string | null;
      readonly lastUsedAt: string | null;
      readonly revokedAt: string | null;
      readonly requestsPerMinute: number | null;
      readonly startsPerMinute: number | null;
      readonly maxGenerations: number | null;
      readonly maxSockets: number | null;
      readonly maxSubscriptions: number | null;
      readonly member: { readonly id: string };
    } | null;
    readonly replaced: {
      readonly id: string;
      readonly name: string;
      readonly fingerprint: string;
      readonly permissions: ReadonlyArray<string>;
      readonly createdAt: string;
      readonly expiresAt: string | null;
      readonly lastUsedAt: string | null;
      readonly revokedAt: string | null;
      readonly requestsPerMinute: number | null;
      readonly startsPerMinute: number | null;
      readonly maxGenerations: number | null;
      readonly maxSockets: number | null;
      readonly maxSubscriptions: number | null;
      readonly member: { readonly id: string };
    } | null;
    readonly errors: ReadonlyArray<{
      readonly code: ErrorCode;
      readonly message: string;
      readonly path: ReadonlyArray<string> | null;
    }>;
  };
};

export type ApiKeyUpdateMutationVariables = Exact<{
  input: ApiKeyUpdateInput;
}>;

export type ApiKeyUpdateMutation = {
  readonly apiKeyUpdate: {
    readonly apiKey: {
      readonly id: string;
      readonly name: string;
      readonly fingerprint: string;
      readonly permissions: ReadonlyArray<string>;
      readonly createdAt: string;
      readonly expiresAt: string | null;
      readonly lastUsedAt: string | null;
      readonly revokedAt: string | null;
      readonly requestsPerMinute: number | null;
      readonly startsPerMinute: number | null;
      readonly maxGenerations: number | null;
      readonly maxSockets: number | null;
      readonly maxSubscriptions: number | null;
      readonly member: { readonly id: string };
    } | null;
    readonly errors: ReadonlyArray<{
      readonly code: ErrorCode;
      readonly message: string;
      readonly path: ReadonlyArray<string> | null;
    }>;
  };
};

export type ApiKeysQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;

export type ApiKeysQuery = {
  readonly apiKeys: {
    readonly nodes: ReadonlyArray<{
      readonly id: string;
      readonly name: string;
      readonly fingerprint: string;
      readonly permissions: ReadonlyArray<string>;
      readonly createdAt: string;
      readonly expiresAt: string | null;
      readonly lastUsedAt: string | null;
      readonly revokedAt: string | null;
      readonly requestsPerMinute: number | null;
      readonly startsPerMinute: number | null;
      readonly maxGenerations: number | null;
      readonly maxSockets: number | null;
      readonly maxSubscriptions: number | null;
      readonly member: { readonly id: string };
    }>;
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
};

export type ExplainPermissionQueryVariables = Exact<{
  permission: string;
  nodeId?: string | null | undefined;
}>;

export type ExplainPermissionQuery = {
  readonly explainPermission: { readonly allowed: boolean; readonly reason: PermissionReason };
};

export type ApiKeyPartsFragment = {
  readonly id: string;
  readonly name: string;
  readonly fingerprint: string;
  readonly permissions: ReadonlyArray<string>;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
  readonly revokedAt: string | null;
  readonly requestsPerMinute: number | null;
  readonly startsPerMinute: number | null;
  readonly maxGenerations: number | null;
  readonly maxSockets: number | null;
  readonly maxSubscriptions: number | null;
  readonly member: { readonly id: string };
};

export type GenerationPartsFragment = {
  readonly id: string;
  readonly status: GenerationStatus;
  readonly text: string;
  readonly cursor: string;
  readonly requestedModel: string;
  readonly model: string;
  readonly metadata: Record<string, unknown> | null;
  readonly costMicros: number | null;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly firstTokenAt: string | null;
  readonly finishedAt: string | null;
  readonly finishReason: GenerationFinishReason | null;
  readonly usage: {
    readonly inputTokens: number | null;
    readonly outputTokens: number | null;
    readonly cachedInputTokens: number | null;
  } | null;
  readonly failure: { readonly code: GenerationFailureCode; readonly message: string; readonly retryable: boolean } | null;
};

export type LimitPartsFragment = {
  readonly name: LimitName;
  readonly most: number | null;
  readonly ceiling: number | null;
  readonly left: number | null;
  readonly resetAt: string | null;
};

export type IssuerPartsFragment = {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly audience: string;
  readonly algorithms: ReadonlyArray<SigningAlgorithm>;
  readonly subjectClaim: string;
  readonly emailClaim: string | null;
  readonly roleClaim: string | null;
  readonly defaultRole: string | null;
  readonly isEnabled: boolean;
  readonly createdAt: string;
  readonly roles: ReadonlyArray<{ readonly value: string; readonly role: string }>;
};

export type TemplatePartsFragment = {
  readonly id: string;
  readonly slug: string;
  readonly kind: string;
  readonly title: string;
  readonly description: string;
};

export type UserErrorPartsFragment = {
  readonly code: ErrorCode;
  readonly message: string;
  readonly path: ReadonlyArray<string> | null;
};

export type InvitationPartsFragment = {
  readonly id: string;
  readonly email: string;
  readonly status: InvitationStatus;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly acceptedAt: string | null;
  readonly revokedAt: string | null;
  readonly role: { readonly name: string } | null;
};

export type MemberPartsFragment = {
  readonly id: string;
  readonly email: string;
  readonly name: string | null;
  readonly status: MemberStatus;
  readonly createdAt: string;
  readonly role: { readonly name: string } | null;
};

export type RolePartsFragment = {
  readonly id: string;
  readonly name: string;
  readonly permissions: ReadonlyArray<string>;
  readonly isBuiltIn: boolean;
};

export type GenerationCancelMutationVariables = Exact<{
  input: GenerationCancelInput;
}>;

export type GenerationCancelMutation = {
  readonly generationCancel: {
    readonly generation: {
      readonly id: string;
      readonly status: GenerationStatus;
      readonly text: string;
      readonly cursor: string;
      readonly requestedModel: string;
      readonly model: string;
      readonly metadata: Record<string, unknown> | null;
      readonly costMicros: number | null;
      readonly createdAt: string;
      readonly startedAt: string | null;
      readonly firstTokenAt: string | null;
      readonly finishedAt: string | null;
      readonly finishReason: GenerationFinishReason | null;
      readonly usage: {
        readonly inputTokens: number | null;
        readonly outputTokens: number | null;
        readonly cachedInputTokens: number | null;
      } | null;
      readonly failure: { readonly code: GenerationFailureCode; readonly message: string; readonly retryable: boolean } | null;
    } | null;
    readonly errors: ReadonlyArray<{
      readonly code: ErrorCode;
      readonly message: string;
      readonly path: ReadonlyArray<string> | null;
    }>;
  };
};

export type GenerationDeleteMutationVariables = Exact<{
  input: GenerationDeleteInput;
}>;

export type GenerationDeleteMutation = {
  readonly generationDelete: {
    readonly deletedId: string | null;
    readonly errors: ReadonlyArray<{
      readonly code: ErrorCode;
      readonly message: string;
      readonly path: ReadonlyArray<string> | null;
    }>;
  };
};

export type GenerationRetryMutationVariables = Exact<{
  input: GenerationRetryInput;
}>;

export type GenerationRetryMutation = {
  readonly generationRetry: {
    readonly generation: {
      readonly id: string;
      readonly status: GenerationStatus;
      readonly text: string;
      readonly cursor: string;
      readonly requestedModel: string;
      readonly model: string;
      readonly metadata: Record<string, unknown> | null;
      readonly costMicros: number | null;
      readonly createdAt: string;
      readonly startedAt: string | null;
      readonly firstTokenAt: string | null;
      readonly finishedAt: string | null;
      readonly finishReason: GenerationFinishReason | null;
      readonly retryOf: { readonly id: string } | null;
      readonly usage: {
        readonly inputTokens: number | null;
        readonly outputTokens: number | null;
        readonly cachedInputTokens: number | null;
      } | null;
      readonly failure: { readonly code: GenerationFailureCode; readonly message: string; readonly retryable: boolean } | null;
    } | null;
    readonly errors: ReadonlyArray<{
      readonly code: ErrorCode;
      readonly message: string;
      readonly path: ReadonlyArray<string> | null;
    }>;
  };
};

export type GenerationStartMutationVariables = Exact<{
  input: GenerationStartInput;
}>;

export type GenerationStartMutation = {
  readonly generationStart: {
    readonly generation: {
      readonly id: string;
      readonly status: GenerationStatus;
      readonly text: string;
      readonly cursor: string;
      readonly requestedModel: string;
      readonly model: string;
      readonly metadata: Record<string, unknown> | null;
      readonly costMicros: number | null;
      readonly createdAt: string;
      readonly startedAt: string | null;
      readonly firstTokenAt: string | null;
      readonly finishedAt: string | null;
      readonly finishReason: GenerationFinishReason | null;
      readonly usage: {
        readonly inputTokens: number | null;
        readonly outputTokens: number | null;
        readonly cachedInputTokens: number | null;
      } | null;
      readonly failure: { readonly code: GenerationFailureCode; readonly message: string; readonly retryable: boolean } | null;
    } | null;
    readonly errors: ReadonlyArray<{
      readonly code: ErrorCode;
      readonly message: string;
      readonly path: ReadonlyArray<string> | null;
    }>;
  };
};

export type GenerationStreamSubscriptionVariables = Exact<{
  id: string;
  after?: string | null | undefined;
}>;

export type GenerationStreamSubscription = {
  readonly generationStream:
    | {
        readonly __typename: 'GenerationDelta';
        readonly offset: number;
        readonly text: string;
        readonly generationId: string;
        readonly cursor: string;
        readonly at: string;
      }
    | {
        readonly __typename: 'GenerationFinished';
        readonly generationId: string;
        readonly cursor: string;
        readonly at: string;
        readonly generation: {
          readonly id: string;
          readonly status: GenerationStatus;
          readonly text: string;
          readonly cursor: string;
          readonly requestedModel: string;
          readonly model: string;
          readonly metadata: Record<string, unknown> | null;
          readonly costMicros: number | null;
          readonly createdAt: string;
          readonly startedAt: string | null;
          readonly firstTokenAt: string | null;
          readonly finishedAt: string | null;
          readonly finishReason: GenerationFinishReason | null;
          readonly usage: {
            readonly inputTokens: number | null;
            readonly outputTokens: number | null;
            readonly cachedInputTokens: number | null;
          } | null;
          readonly failure: {
            readonly code: GenerationFailureCode;
            readonly message: string;
            readonly retryable: boolean;
          } | null;
        };
      }
    | {
        readonly __typename: 'GenerationRestarted';
        readonly offset: number;
        readonly reason: GenerationRestartReason;
        readonly attempt: number;
        readonly model: string;
        readonly generationId: string;
        readonly cursor: string;
        readonly at: string;
      }
    | {
        readonly __typename: 'GenerationStarted';
        readonly attempt: number;
        readonly model: string;
        readonly generationId: string;
        readonly cursor: string;
        readonly at: string;
      };
};

export type GenerationQueryVariables = Exact<{
  id: string;
}>;

export type GenerationQuery = {
  readonly generation: {
    readonly draft: string;
    readonly variables: Record<string, unknown>;
    readonly id: string;
    readonly status: GenerationStatus;
    readonly text: string;
    readonly cursor: string;
    readonly requestedModel: string;
    readonly model: string;
    readonly metadata: Record<string, unknown> | null;
    readonly costMicros: number | null;
    readonly createdAt: string;
    readonly startedAt: string | null;
    readonly firstTokenAt: string | null;
    readonly finishedAt: string | null;
    readonly finishReason: GenerationFinishReason | null;
    readonly template: {
      readonly id: string;
      readonly slug: string;
      readonly kind: string;
      readonly title: string;
      readonly description: string;
    };
    readonly templateVersion: { readonly id: string; readonly number: number };
    readonly attempts: ReadonlyArray<{
      readonly number: number;
      readonly model: string;
      readonly base: number;
      readonly reason: GenerationRestartReason | null;
      readonly startedAt: string;
      readonly firstTokenAt: string | null;
      readonly endedAt: string | null;
      readonly endedBy: GenerationAttemptEnd | null;
      readonly failureCode: GenerationFailureCode | null;
      readonly failureMessage: string | null;
    }>;
    readonly skipped: ReadonlyArray<{ readonly model: string; readonly reason: GenerationSkipReason; readonly at: string }>;
    readonly retryOf: { readonly id: string } | null;
    readonly usage: {
      readonly inputTokens: number | null;
      readonly outputTokens: number | null;
      readonly cachedInputTokens: number | null;
    } | null;
    readonly failure: { readonly code: GenerationFailureCode; readonly message: string; readonly retryable: boolean } | null;
  } | null;
};

export type GenerationsQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
  filter?: GenerationFilter | null | undefined;
}>;

export type GenerationsQuery = {
  readonly generations: {
    readonly nodes: ReadonlyArray<{
      readonly id: string;
      readonly status: GenerationStatus;
      readonly model: string;
      readonly costMicros: number | null;
      readonly createdAt: string;
      readonly finishedAt: string | null;
      readonly template: {
        readonly id: string;
        readonly slug: string;
        readonly kind: string;
        readonly title: string;
        readonly description: string;
      };
    }>;
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
};

export type InvitationAcceptMutationVariables = Exact<{
  input: InvitationAcceptInput;
}>;

export type InvitationAcceptMutation = {
  readonly invitationAccept: {
    readonly secret: string | null;
    readonly member: {
      readonly id: string;
      readonly email: string;
      readonly name: string | null;
      readonly status: MemberStatus;
      readonly createdAt: string;
      readonly role: { readonly name: string } | null;
    } | null;
    readonly apiKey: {
      readonly id: string;
      readonly name: string;
      readonly fingerprint: string;
      readonly permissions: ReadonlyArray<string>;
      readonly createdAt: string;
      readonly expiresAt: string | null;
      readonly lastUsedAt: string | null;
      readonly revokedAt: string | null;
      readonly requestsPerMinute: number | null;
      readonly startsPerMinute: number | null;
      readonly maxGenerations: number | null;
      readonly maxSockets: number | null;
      readonly maxSubscriptions: number | null;
      readonly member: { readonly id: string };
    } | null;
    readonly errors: ReadonlyArray<{
      readonly code: ErrorCode;
      readonly message: string;
      readonly path: ReadonlyArray<string> | null;
    }>;
  };
};

export type InvitationCreateMutationVariables = Exact<{
  input: InvitationCreateInput;
}>;

export type InvitationCreateMutation = {
  readonly invitationCreate: {
    readonly token: string | null;
    readonly invitation: {
      readonly id: string;
      readonly email: string;
      readonly status: InvitationStatus;
      readonly createdAt: string;
      readonly expiresAt: string;
      readonly acceptedAt: string | null;
      readonly revokedAt: string | null;
      readonly role: { readonly name: string } | null;
    } | null;
    readonly errors: ReadonlyArray<{
      readonly code: ErrorCode;
      readonly message: string;
      readonly path: ReadonlyArray<string> | null;
    }>;
  };
};

export type InvitationRevokeMutationVariables = Exact<{
  input: InvitationRevokeInput;
}>;

export type InvitationRevokeMutation = {
  readonly invitationRevoke: {
    readonly invitation: {
      readonly id: string;
      readonly email: string;
      readonly status: InvitationStatus;
      readonly createdAt: string;
      readonly expiresAt: string;
      readonly acceptedAt: string | null;
      readonly revokedAt: string | null;
      readonly role: { readonly name: string } | null;
    } | null;
    readonly errors: ReadonlyArray<{
      readonly code: ErrorCode;
      readonly message: string;
      readonly path: ReadonlyArray<string> | null;
    }>;
  };
};

export type InvitationsQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;

export type InvitationsQuery = {
  readonly invitations: {
    readonly nodes: ReadonlyArray<{
      readonly id: string;
      readonly email: string;
      readonly status: InvitationStatus;
      readonly createdAt: string;
      readonly expiresAt: string;
      readonly acceptedAt: string | null;
      readonly revokedAt: string | null;
      readonly role: { readonly name: string } | null;
    }>;
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
};

export type IssuerCreateMutationVariables = Exact<{
  input: IssuerCreateInput;
}>;

export type IssuerCreateMutation = {
  readonly issuerCreate: {
    readonly issuer: {
      readonly id: string;
      readonly name: string;
      readonly url: string;
      readonly audience: string;
      readonly algorithms: ReadonlyArray<SigningAlgorithm>;
      readonly subjectClaim: string;
      readonly emailClaim: string | null;
      readonly roleClaim: string | null;
      readonly defaultRole: string | null;
      readonly isEnabled: boolean;
      readonly createdAt: string;
      readonly roles: ReadonlyArray<{ readonly value: string; readonly role: string }>;
    } | null;
    readonly errors: ReadonlyArray<{
      readonly code: ErrorCode;
      readonly message: string;
      readonly path: ReadonlyArray<string> | null;
    }>;
  };
};

export type IssuerDeleteMutationVariables = Exact<{
  input: IssuerDeleteInput;
}>;

export type IssuerDeleteMutation = {
  readonly issuerDelete: {
    readonly deletedId: string | null;
    readonly errors: ReadonlyArray<{
      readonly code: ErrorCode;
      readonly message: string;
      readonly path: ReadonlyArray<string> | null;
    }>;
  };
};

export type IssuerUpdateMutationVariables = Exact<{
  input: IssuerUpdateInput;
}>;

export type IssuerUpdateMutation = {
  readonly issuerUpdate: {
    readonly issuer: {
      readonly id: string;
      readonly name: string;
      readonly url: string;
      readonly audience: string;
      readonly algorithms: ReadonlyArray<SigningAlgorithm>;
      readonly subjectClaim: string;
      readonly emailClaim: string | null;
      readonly roleClaim: string | null;
      readonly defaultRole: string | null;
      readonly isEnabled: boolean;
      readonly createdAt: string;
      readonly roles: ReadonlyArray<{ readonly value: string; readonly role: string }>;
    } | null;
    readonly errors: ReadonlyArray<{
      readonly code: ErrorCode;
      readonly message: string;
      readonly path: ReadonlyArray<string> | null;
    }>;
  };
};

export type IssuersQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;

export type IssuersQuery = {
  readonly issuers: {
    readonly nodes: ReadonlyArray<{
      readonly id: string;
      readonly name: string;
      readonly url: string;
      readonly audience: string;
      readonly algorithms: ReadonlyArray<SigningAlgorithm>;
      readonly subjectClaim: string;
      readonly emailClaim: string | null;
      readonly roleClaim: string | null;
      readonly defaultRole: string | null;
      readonly isEnabled: boolean;
      readonly createdAt: string;
      readonly roles: ReadonlyArray<{ readonly value: string; readonly role: string }>;
    }>;
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
};

export type LimitsQueryVariables = Exact<{ [key: string]: never }>;

export type LimitsQuery = {
  readonly viewer: {
    readonly limits: ReadonlyArray<{
      readonly name: LimitName;
      readonly most: number | null;
      readonly ceiling: number | null;
      readonly left: number | null;
      readonly resetAt: string | null;
    }>;
  };
};

export type MemberRemoveMutationVariables = Exact<{
  input: MemberRemoveInput;
}>;

export type MemberRemoveMutation = {
  readonly memberRemove: {
    readonly member: {
      readonly id: string;
      readonly email: string;
      readonly name: string | null;
      readonly status: MemberStatus;
      readonly createdAt: string;
      readonly role: { readonly name: string } | null;
    } | null;
    readonly errors: ReadonlyArray<{
      readonly code: ErrorCode;
      readonly message: string;
      readonly path: ReadonlyArray<string> | null;
    }>;
  };
};

export type MemberUpdateMutationVariables = Exact<{
  input: MemberUpdateInput;
}>;

export type MemberUpdateMutation = {
  readonly memberUpdate: {
    readonly member: {
      readonly id: string;
      readonly email: string;
      readonly name: string | null;
      readonly status: MemberStatus;
      readonly createdAt: string;
      readonly role: { readonly name: string } | null;
    } | null;
    readonly errors: ReadonlyArray<{
      readonly code: ErrorCode;
      readonly message: string;
      readonly path: ReadonlyArray<string> | null;
    }>;
  };
};

export type MembersQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;

export type MembersQuery = {
  readonly members: {
    readonly nodes: ReadonlyArray<{
      readonly id: string;
      readonly email: string;
      readonly name: string | null;
      readonly status: MemberStatus;
      readonly createdAt: string;
      readonly role: { readonly name: string } | null;
    }>;
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
};

export type ModelsQueryVariables = Exact<{ [key: string]: never }>;

export type ModelsQuery = {
  readonly models: ReadonlyArray<{
    readonly id: string;
    readonly provider: string;
    readonly name: string;
    readonly contextWindow: number | null;
    readonly maxOutputTokens: number | null;
    readonly isDefault: boolean;
  }>;
};

export type RoleCreateMutationVariables = Exact<{
  input: RoleCreateInput;
}>;

export type RoleCreateMutation = {
  readonly roleCreate: {
    readonly role: {
      readonly id: string;
      readonly name: string;
      readonly permissions: ReadonlyArray<string>;
      readonly isBuiltIn: boolean;
    } | null;
    readonly errors: ReadonlyArray<{
      readonly code: ErrorCode;
      readonly message: string;
      readonly path: ReadonlyArray<string> | null;
    }>;
  };
};

export type RoleDeleteMutationVariables = Exact<{
  input: RoleDeleteInput;
}>;

export type RoleDeleteMutation = {
  readonly roleDelete: {
    readonly deletedId: string | null;
    readonly errors: ReadonlyArray<{
      readonly code: ErrorCode;
      readonly message: string;
      readonly path: ReadonlyArray<string> | null;
    }>;
  };
};

export type RoleUpdateMutationVariables = Exact<{
  input: RoleUpdateInput;
}>;

export type RoleUpdateMutation = {
  readonly roleUpdate: {
    readonly role: {
      readonly id: string;
      readonly name: string;
      readonly permissions: ReadonlyArray<string>;
      readonly isBuiltIn: boolean;
    } | null;
    readonly errors: ReadonlyArray<{
      readonly code: ErrorCode;
      readonly message: string;
      readonly path: ReadonlyArray<string> | null;
    }>;
  };
};

export type RolesQueryVariables = Exact<{ [key: string]: never }>;

export type RolesQuery = {
  readonly roles: ReadonlyArray<{
    readonly id: string;
    readonly name: string;
    readonly permissions: ReadonlyArray<string>;
    readonly isBuiltIn: boolean;
  }>;
};

export type TemplateQueryVariables = Exact<{
  slug: string;
}>;

export type TemplateQuery = {
  readonly template: {
    readonly id: string;
    readonly slug: string;
    readonly kind: string;
    readonly title: string;
    readonly description: string;
    readonly currentVersion: {
      readonly id: string;
      readonly number: number;
      readonly variablesSchema: Record<string, unknown>;
      readonly sample: Record<string, unknown>;
      readonly maxOutputTokens: number;
    };
  } | null;
};

export type TemplatesQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
  filter?: TemplateFilter | null | undefined;
}>;

export type TemplatesQuery = {
  readonly templates: {
    readonly nodes: ReadonlyArray<{
      readonly id: string;
      readonly slug: string;
      readonly kind: string;
      readonly title: string;
      readonly description: string;
    }>;
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
};

export type TenantCreateMutationVariables = Exact<{
  input: TenantCreateInput;
}>;

export type TenantCreateMutation = {
  readonly tenantCreate: {
    readonly ownerKey: string | null;
    readonly tenant: { readonly id: string; readonly name: string; readonly createdAt: string } | null;
    readonly errors: ReadonlyArray<{
      readonly code: ErrorCode;
      readonly message: string;
      readonly path: ReadonlyArray<string> | null;
    }>;
  };
};

export type TenantDeleteMutationVariables = Exact<{
  input: TenantDeleteInput;
}>;

export type TenantDeleteMutation = {
  readonly tenantDelete: {
    readonly deletedId: string | null;
    readonly errors: ReadonlyArray<{
      readonly code: ErrorCode;
      readonly message: string;
      readonly path: ReadonlyArray<string> | null;
    }>;
  };
};

export type TenantLimitsUpdateMutationVariables = Exact<{
  input: TenantLimitsUpdateInput;
}>;

export type TenantLimitsUpdateMutation = {
  readonly tenantLimitsUpdate: {
    readonly limits: ReadonlyArray<{
      readonly name: LimitName;
      readonly most: number | null;
      readonly ceiling: number | null;
      readonly left: number | null;
      readonly resetAt: string | null;
    }> | null;
    readonly errors: ReadonlyArray<{
      readonly code: ErrorCode;
      readonly message: string;
      readonly path: ReadonlyArray<string> | null;
    }>;
  };
};

export type TenantUpdateMutationVariables = Exact<{
  input: TenantUpdateInput;
}>;

export type TenantUpdateMutation = {
  readonly tenantUpdate: {
    readonly tenant: { readonly id: string; readonly generationRetentionDays: number | null } | null;
    readonly errors: ReadonlyArray<{
      readonly code: ErrorCode;
      readonly message: string;
      readonly path: ReadonlyArray<string> | null;
    }>;
  };
};

export type ViewerQueryVariables = Exact<{ [key: string]: never }>;

export type ViewerQuery = {
  readonly viewer: {
    readonly permissions: ReadonlyArray<string>;
    readonly tenant: { readonly id: string; readonly name: string; readonly generationRetentionDays: number | null };
    readonly actor: { readonly id: string; readonly email: string };
  };
};

export const ApiKeyPartsFragmentDoc = {
  kind: 'Document',
  definitions: [
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'ApiKeyParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'ApiKey' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'name' } },
          { kind: 'Field', name: { kind: 'Name', value: 'fingerprint' } },
          { kind: 'Field', name: { kind: 'Name', value: 'permissions' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'member' },
            selectionSet: { kind: 'SelectionSet', selections: [{ kind: 'Field', name: { kind: 'Name', value: 'id' } }] },
          },
          { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'expiresAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'lastUsedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'revokedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'requestsPerMinute' } },
          { kind: 'Field', name: { kind: 'Name', value: 'startsPerMinute' } },
          { kind: 'Field', name: { kind: 'Name', value: 'maxGenerations' } },
          { kind: 'Field', name: { kind: 'Name', value: 'maxSockets' } },
          { kind: 'Field', name: { kind: 'Name', value: 'maxSubscriptions' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<ApiKeyPartsFragment, unknown>;
export const GenerationPartsFragmentDoc = {
  kind: 'Document',
  definitions: [
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'GenerationParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Generation' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'status' } },
          { kind: 'Field', name: { kind: 'Name', value: 'text' } },
          { kind: 'Field', name: { kind: 'Name', value: 'cursor' } },
          { kind: 'Field', name: { kind: 'Name', value: 'requestedModel' } },
          { kind: 'Field', name: { kind: 'Name', value: 'model' } },
          { kind: 'Field', name: { kind: 'Name', value: 'metadata' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'usage' },
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                { kind: 'Field', name: { kind: 'Name', value: 'inputTokens' } },
                { kind: 'Field', name: { kind: 'Name', value: 'outputTokens' } },
                { kind: 'Field', name: { kind: 'Name', value: 'cachedInputTokens' } },
              ],
            },
          },
          { kind: 'Field', name: { kind: 'Name', value: 'costMicros' } },
          { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'startedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'firstTokenAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'finishedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'finishReason' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'failure' },
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                { kind: 'Field', name: { kind: 'Name', value: 'code' } },
                { kind: 'Field', name: { kind: 'Name', value: 'message' } },
                { kind: 'Field', name: { kind: 'Name', value: 'retryable' } },
              ],
            },
          },
        ],
      },
    },
  ],
} as unknown as DocumentNode<GenerationPartsFragment, unknown>;
export const LimitPartsFragmentDoc = {
  kind: 'Document',
  definitions: [
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'LimitParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Limit' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'name' } },
          { kind: 'Field', name: { kind: 'Name', value: 'most' } },
          { kind: 'Field', name: { kind: 'Name', value: 'ceiling' } },
          { kind: 'Field', name: { kind: 'Name', value: 'left' } },
          { kind: 'Field', name: { kind: 'Name', value: 'resetAt' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<LimitPartsFragment, unknown>;
export const IssuerPartsFragmentDoc = {
  kind: 'Document',
  definitions: [
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'IssuerParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Issuer' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'name' } },
          { kind: 'Field', name: { kind: 'Name', value: 'url' } },
          { kind: 'Field', name: { kind: 'Name', value: 'audience' } },
          { kind: 'Field', name: { kind: 'Name', value: 'algorithms' } },
          { kind: 'Field', name: { kind: 'Name', value: 'subjectClaim' } },
          { kind: 'Field', name: { kind: 'Name', value: 'emailClaim' } },
          { kind: 'Field', name: { kind: 'Name', value: 'roleClaim' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'roles' },
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                { kind: 'Field', name: { kind: 'Name', value: 'value' } },
                { kind: 'Field', name: { kind: 'Name', value: 'role' } },
              ],
            },
          },
          { kind: 'Field', name: { kind: 'Name', value: 'defaultRole' } },
          { kind: 'Field', name: { kind: 'Name', value: 'isEnabled' } },
          { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<IssuerPartsFragment, unknown>;
export const TemplatePartsFragmentDoc = {
  kind: 'Document',
  definitions: [
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'TemplateParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Template' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'slug' } },
          { kind: 'Field', name: { kind: 'Name', value: 'kind' } },
          { kind: 'Field', name: { kind: 'Name', value: 'title' } },
          { kind: 'Field', name: { kind: 'Name', value: 'description' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<TemplatePartsFragment, unknown>;
export const UserErrorPartsFragmentDoc = {
  kind: 'Document',
  definitions: [
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'UserErrorParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'UserError' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'code' } },
          { kind: 'Field', name: { kind: 'Name', value: 'message' } },
          { kind: 'Field', name: { kind: 'Name', value: 'path' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<UserErrorPartsFragment, unknown>;
export const InvitationPartsFragmentDoc = {
  kind: 'Document',
  definitions: [
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'InvitationParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Invitation' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'email' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'role' },
            selectionSet: { kind: 'SelectionSet', selections: [{ kind: 'Field', name: { kind: 'Name', value: 'name' } }] },
          },
          { kind: 'Field', name: { kind: 'Name', value: 'status' } },
          { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'expiresAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'acceptedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'revokedAt' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<InvitationPartsFragment, unknown>;
export const MemberPartsFragmentDoc = {
  kind: 'Document',
  definitions: [
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'MemberParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Member' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'email' } },
          { kind: 'Field', name: { kind: 'Name', value: 'name' } },
          { kind: 'Field', name: { kind: 'Name', value: 'status' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'role' },
            selectionSet: { kind: 'SelectionSet', selections: [{ kind: 'Field', name: { kind: 'Name', value: 'name' } }] },
          },
          { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<MemberPartsFragment, unknown>;
export const RolePartsFragmentDoc = {
  kind: 'Document',
  definitions: [
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'RoleParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Role' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'name' } },
          { kind: 'Field', name: { kind: 'Name', value: 'permissions' } },
          { kind: 'Field', name: { kind: 'Name', value: 'isBuiltIn' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<RolePartsFragment, unknown>;
export const ApiKeyCreateDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'mutation',
      name: { kind: 'Name', value: 'ApiKeyCreate' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
          type: { kind: 'NonNullType', type: { kind: 'NamedType', name: { kind: 'Name', value: 'ApiKeyCreateInput' } } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'apiKeyCreate' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'input' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'apiKey' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'ApiKeyParts' } }],
                  },
                },
                { kind: 'Field', name: { kind: 'Name', value: 'secret' } },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'errors' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'UserErrorParts' } }],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'ApiKeyParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'ApiKey' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'name' } },
          { kind: 'Field', name: { kind: 'Name', value: 'fingerprint' } },
          { kind: 'Field', name: { kind: 'Name', value: 'permissions' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'member' },
            selectionSet: { kind: 'SelectionSet', selections: [{ kind: 'Field', name: { kind: 'Name', value: 'id' } }] },
          },
          { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'expiresAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'lastUsedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'revokedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'requestsPerMinute' } },
          { kind: 'Field', name: { kind: 'Name', value: 'startsPerMinute' } },
          { kind: 'Field', name: { kind: 'Name', value: 'maxGenerations' } },
          { kind: 'Field', name: { kind: 'Name', value: 'maxSockets' } },
          { kind: 'Field', name: { kind: 'Name', value: 'maxSubscriptions' } },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'UserErrorParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'UserError' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'code' } },
          { kind: 'Field', name: { kind: 'Name', value: 'message' } },
          { kind: 'Field', name: { kind: 'Name', value: 'path' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<ApiKeyCreateMutation, ApiKeyCreateMutationVariables>;
export const ApiKeyRevokeDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'mutation',
      name: { kind: 'Name', value: 'ApiKeyRevoke' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
          type: { kind: 'NonNullType', type: { kind: 'NamedType', name: { kind: 'Name', value: 'ApiKeyRevokeInput' } } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'apiKeyRevoke' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'input' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'apiKey' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'ApiKeyParts' } }],
                  },
                },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'errors' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'UserErrorParts' } }],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'ApiKeyParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'ApiKey' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'name' } },
          { kind: 'Field', name: { kind: 'Name', value: 'fingerprint' } },
          { kind: 'Field', name: { kind: 'Name', value: 'permissions' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'member' },
            selectionSet: { kind: 'SelectionSet', selections: [{ kind: 'Field', name: { kind: 'Name', value: 'id' } }] },
          },
          { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'expiresAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'lastUsedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'revokedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'requestsPerMinute' } },
          { kind: 'Field', name: { kind: 'Name', value: 'startsPerMinute' } },
          { kind: 'Field', name: { kind: 'Name', value: 'maxGenerations' } },
          { kind: 'Field', name: { kind: 'Name', value: 'maxSockets' } },
          { kind: 'Field', name: { kind: 'Name', value: 'maxSubscriptions' } },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'UserErrorParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'UserError' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'code' } },
          { kind: 'Field', name: { kind: 'Name', value: 'message' } },
          { kind: 'Field', name: { kind: 'Name', value: 'path' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<ApiKeyRevokeMutation, ApiKeyRevokeMutationVariables>;
export const ApiKeyRotateDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'mutation',
      name: { kind: 'Name', value: 'ApiKeyRotate' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
          type: { kind: 'NonNullType', type: { kind: 'NamedType', name: { kind: 'Name', value: 'ApiKeyRotateInput' } } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'apiKeyRotate' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'input' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'apiKey' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'ApiKeyParts' } }],
                  },
                },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'replaced' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'ApiKeyParts' } }],
                  },
                },
                { kind: 'Field', name: { kind: 'Name', value: 'secret' } },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'errors' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'UserErrorParts' } }],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'ApiKeyParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'ApiKey' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'name' } },
          { kind: 'Field', name: { kind: 'Name', value: 'fingerprint' } },
          { kind: 'Field', name: { kind: 'Name', value: 'permissions' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'member' },
            selectionSet: { kind: 'SelectionSet', selections: [{ kind: 'Field', name: { kind: 'Name', value: 'id' } }] },
          },
          { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'expiresAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'lastUsedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'revokedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'requestsPerMinute' } },
          { kind: 'Field', name: { kind: 'Name', value: 'startsPerMinute' } },
          { kind: 'Field', name: { kind: 'Name', value: 'maxGenerations' } },
          { kind: 'Field', name: { kind: 'Name', value: 'maxSockets' } },
          { kind: 'Field', name: { kind: 'Name', value: 'maxSubscriptions' } },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'UserErrorParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'UserError' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'code' } },
          { kind: 'Field', name: { kind: 'Name', value: 'message' } },
          { kind: 'Field', name: { kind: 'Name', value: 'path' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<ApiKeyRotateMutation, ApiKeyRotateMutationVariables>;
export const ApiKeyUpdateDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'mutation',
      name: { kind: 'Name', value: 'ApiKeyUpdate' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
          type: { kind: 'NonNullType', type: { kind: 'NamedType', name: { kind: 'Name', value: 'ApiKeyUpdateInput' } } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'apiKeyUpdate' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'input' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'apiKey' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'ApiKeyParts' } }],
                  },
                },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'errors' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'UserErrorParts' } }],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'ApiKeyParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'ApiKey' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'name' } },
          { kind: 'Field', name: { kind: 'Name', value: 'fingerprint' } },
          { kind: 'Field', name: { kind: 'Name', value: 'permissions' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'member' },
            selectionSet: { kind: 'SelectionSet', selections: [{ kind: 'Field', name: { kind: 'Name', value: 'id' } }] },
          },
          { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'expiresAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'lastUsedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'revokedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'requestsPerMinute' } },
          { kind: 'Field', name: { kind: 'Name', value: 'startsPerMinute' } },
          { kind: 'Field', name: { kind: 'Name', value: 'maxGenerations' } },
          { kind: 'Field', name: { kind: 'Name', value: 'maxSockets' } },
          { kind: 'Field', name: { kind: 'Name', value: 'maxSubscriptions' } },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'UserErrorParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'UserError' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'code' } },
          { kind: 'Field', name: { kind: 'Name', value: 'message' } },
          { kind: 'Field', name: { kind: 'Name', value: 'path' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<ApiKeyUpdateMutation, ApiKeyUpdateMutationVariables>;
export const ApiKeysDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'query',
      name: { kind: 'Name', value: 'ApiKeys' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'first' } },
          type: { kind: 'NamedType', name: { kind: 'Name', value: 'Int' } },
        },
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'after' } },
          type: { kind: 'NamedType', name: { kind: 'Name', value: 'String' } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'apiKeys' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'first' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'first' } },
              },
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'after' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'after' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'nodes' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'ApiKeyParts' } }],
                  },
                },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'pageInfo' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [
                      { kind: 'Field', name: { kind: 'Name', value: 'hasNextPage' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'endCursor' } },
                    ],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'ApiKeyParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'ApiKey' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'name' } },
          { kind: 'Field', name: { kind: 'Name', value: 'fingerprint' } },
          { kind: 'Field', name: { kind: 'Name', value: 'permissions' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'member' },
            selectionSet: { kind: 'SelectionSet', selections: [{ kind: 'Field', name: { kind: 'Name', value: 'id' } }] },
          },
          { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'expiresAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'lastUsedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'revokedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'requestsPerMinute' } },
          { kind: 'Field', name: { kind: 'Name', value: 'startsPerMinute' } },
          { kind: 'Field', name: { kind: 'Name', value: 'maxGenerations' } },
          { kind: 'Field', name: { kind: 'Name', value: 'maxSockets' } },
          { kind: 'Field', name: { kind: 'Name', value: 'maxSubscriptions' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<ApiKeysQuery, ApiKeysQueryVariables>;
export const ExplainPermissionDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'query',
      name: { kind: 'Name', value: 'ExplainPermission' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'permission' } },
          type: { kind: 'NonNullType', type: { kind: 'NamedType', name: { kind: 'Name', value: 'String' } } },
        },
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'nodeId' } },
          type: { kind: 'NamedType', name: { kind: 'Name', value: 'ID' } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'explainPermission' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'permission' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'permission' } },
              },
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'nodeId' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'nodeId' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                { kind: 'Field', name: { kind: 'Name', value: 'allowed' } },
                { kind: 'Field', name: { kind: 'Name', value: 'reason' } },
              ],
            },
          },
        ],
      },
    },
  ],
} as unknown as DocumentNode<ExplainPermissionQuery, ExplainPermissionQueryVariables>;
export const GenerationCancelDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'mutation',
      name: { kind: 'Name', value: 'GenerationCancel' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
          type: { kind: 'NonNullType', type: { kind: 'NamedType', name: { kind: 'Name', value: 'GenerationCancelInput' } } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'generationCancel' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'input' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'generation' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'GenerationParts' } }],
                  },
                },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'errors' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'UserErrorParts' } }],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'GenerationParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Generation' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'status' } },
          { kind: 'Field', name: { kind: 'Name', value: 'text' } },
          { kind: 'Field', name: { kind: 'Name', value: 'cursor' } },
          { kind: 'Field', name: { kind: 'Name', value: 'requestedModel' } },
          { kind: 'Field', name: { kind: 'Name', value: 'model' } },
          { kind: 'Field', name: { kind: 'Name', value: 'metadata' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'usage' },
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                { kind: 'Field', name: { kind: 'Name', value: 'inputTokens' } },
                { kind: 'Field', name: { kind: 'Name', value: 'outputTokens' } },
                { kind: 'Field', name: { kind: 'Name', value: 'cachedInputTokens' } },
              ],
            },
          },
          { kind: 'Field', name: { kind: 'Name', value: 'costMicros' } },
          { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'startedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'firstTokenAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'finishedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'finishReason' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'failure' },
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                { kind: 'Field', name: { kind: 'Name', value: 'code' } },
                { kind: 'Field', name: { kind: 'Name', value: 'message' } },
                { kind: 'Field', name: { kind: 'Name', value: 'retryable' } },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'UserErrorParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'UserError' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'code' } },
          { kind: 'Field', name: { kind: 'Name', value: 'message' } },
          { kind: 'Field', name: { kind: 'Name', value: 'path' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<GenerationCancelMutation, GenerationCancelMutationVariables>;
export const GenerationDeleteDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'mutation',
      name: { kind: 'Name', value: 'GenerationDelete' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
          type: { kind: 'NonNullType', type: { kind: 'NamedType', name: { kind: 'Name', value: 'GenerationDeleteInput' } } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'generationDelete' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'input' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                { kind: 'Field', name: { kind: 'Name', value: 'deletedId' } },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'errors' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'UserErrorParts' } }],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'UserErrorParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'UserError' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'code' } },
          { kind: 'Field', name: { kind: 'Name', value: 'message' } },
          { kind: 'Field', name: { kind: 'Name', value: 'path' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<GenerationDeleteMutation, GenerationDeleteMutationVariables>;
export const GenerationRetryDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'mutation',
      name: { kind: 'Name', value: 'GenerationRetry' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
          type: { kind: 'NonNullType', type: { kind: 'NamedType', name: { kind: 'Name', value: 'GenerationRetryInput' } } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'generationRetry' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'input' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'generation' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [
                      { kind: 'FragmentSpread', name: { kind: 'Name', value: 'GenerationParts' } },
                      {
                        kind: 'Field',
                        name: { kind: 'Name', value: 'retryOf' },
                        selectionSet: {
                          kind: 'SelectionSet',
                          selections: [{ kind: 'Field', name: { kind: 'Name', value: 'id' } }],
                        },
                      },
                    ],
                  },
                },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'errors' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'UserErrorParts' } }],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'GenerationParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Generation' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'status' } },
          { kind: 'Field', name: { kind: 'Name', value: 'text' } },
          { kind: 'Field', name: { kind: 'Name', value: 'cursor' } },
          { kind: 'Field', name: { kind: 'Name', value: 'requestedModel' } },
          { kind: 'Field', name: { kind: 'Name', value: 'model' } },
          { kind: 'Field', name: { kind: 'Name', value: 'metadata' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'usage' },
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                { kind: 'Field', name: { kind: 'Name', value: 'inputTokens' } },
                { kind: 'Field', name: { kind: 'Name', value: 'outputTokens' } },
                { kind: 'Field', name: { kind: 'Name', value: 'cachedInputTokens' } },
              ],
            },
          },
          { kind: 'Field', name: { kind: 'Name', value: 'costMicros' } },
          { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'startedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'firstTokenAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'finishedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'finishReason' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'failure' },
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                { kind: 'Field', name: { kind: 'Name', value: 'code' } },
                { kind: 'Field', name: { kind: 'Name', value: 'message' } },
                { kind: 'Field', name: { kind: 'Name', value: 'retryable' } },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'UserErrorParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'UserError' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'code' } },
          { kind: 'Field', name: { kind: 'Name', value: 'message' } },
          { kind: 'Field', name: { kind: 'Name', value: 'path' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<GenerationRetryMutation, GenerationRetryMutationVariables>;
export const GenerationStartDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'mutation',
      name: { kind: 'Name', value: 'GenerationStart' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
          type: { kind: 'NonNullType', type: { kind: 'NamedType', name: { kind: 'Name', value: 'GenerationStartInput' } } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'generationStart' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'input' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'generation' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'GenerationParts' } }],
                  },
                },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'errors' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'UserErrorParts' } }],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'GenerationParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Generation' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'status' } },
          { kind: 'Field', name: { kind: 'Name', value: 'text' } },
          { kind: 'Field', name: { kind: 'Name', value: 'cursor' } },
          { kind: 'Field', name: { kind: 'Name', value: 'requestedModel' } },
          { kind: 'Field', name: { kind: 'Name', value: 'model' } },
          { kind: 'Field', name: { kind: 'Name', value: 'metadata' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'usage' },
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                { kind: 'Field', name: { kind: 'Name', value: 'inputTokens' } },
                { kind: 'Field', name: { kind: 'Name', value: 'outputTokens' } },
                { kind: 'Field', name: { kind: 'Name', value: 'cachedInputTokens' } },
              ],
            },
          },
          { kind: 'Field', name: { kind: 'Name', value: 'costMicros' } },
          { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'startedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'firstTokenAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'finishedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'finishReason' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'failure' },
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                { kind: 'Field', name: { kind: 'Name', value: 'code' } },
                { kind: 'Field', name: { kind: 'Name', value: 'message' } },
                { kind: 'Field', name: { kind: 'Name', value: 'retryable' } },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'UserErrorParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'UserError' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'code' } },
          { kind: 'Field', name: { kind: 'Name', value: 'message' } },
          { kind: 'Field', name: { kind: 'Name', value: 'path' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<GenerationStartMutation, GenerationStartMutationVariables>;
export const GenerationStreamDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'subscription',
      name: { kind: 'Name', value: 'GenerationStream' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'id' } },
          type: { kind: 'NonNullType', type: { kind: 'NamedType', name: { kind: 'Name', value: 'ID' } } },
        },
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'after' } },
          type: { kind: 'NamedType', name: { kind: 'Name', value: 'String' } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'generationStream' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'id' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'id' } },
              },
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'after' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'after' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                { kind: 'Field', name: { kind: 'Name', value: '__typename' } },
                { kind: 'Field', name: { kind: 'Name', value: 'generationId' } },
                { kind: 'Field', name: { kind: 'Name', value: 'cursor' } },
                { kind: 'Field', name: { kind: 'Name', value: 'at' } },
                {
                  kind: 'InlineFragment',
                  typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'GenerationStarted' } },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [
                      { kind: 'Field', name: { kind: 'Name', value: 'attempt' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'model' } },
                    ],
                  },
                },
                {
                  kind: 'InlineFragment',
                  typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'GenerationDelta' } },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [
                      { kind: 'Field', name: { kind: 'Name', value: 'offset' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'text' } },
                    ],
                  },
                },
                {
                  kind: 'InlineFragment',
                  typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'GenerationRestarted' } },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [
                      { kind: 'Field', name: { kind: 'Name', value: 'offset' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'reason' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'attempt' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'model' } },
                    ],
                  },
                },
                {
                  kind: 'InlineFragment',
                  typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'GenerationFinished' } },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [
                      {
                        kind: 'Field',
                        name: { kind: 'Name', value: 'generation' },
                        selectionSet: {
                          kind: 'SelectionSet',
                          selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'GenerationParts' } }],
                        },
                      },
                    ],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'GenerationParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Generation' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'status' } },
          { kind: 'Field', name: { kind: 'Name', value: 'text' } },
          { kind: 'Field', name: { kind: 'Name', value: 'cursor' } },
          { kind: 'Field', name: { kind: 'Name', value: 'requestedModel' } },
          { kind: 'Field', name: { kind: 'Name', value: 'model' } },
          { kind: 'Field', name: { kind: 'Name', value: 'metadata' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'usage' },
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                { kind: 'Field', name: { kind: 'Name', value: 'inputTokens' } },
                { kind: 'Field', name: { kind: 'Name', value: 'outputTokens' } },
                { kind: 'Field', name: { kind: 'Name', value: 'cachedInputTokens' } },
              ],
            },
          },
          { kind: 'Field', name: { kind: 'Name', value: 'costMicros' } },
          { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'startedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'firstTokenAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'finishedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'finishReason' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'failure' },
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                { kind: 'Field', name: { kind: 'Name', value: 'code' } },
                { kind: 'Field', name: { kind: 'Name', value: 'message' } },
                { kind: 'Field', name: { kind: 'Name', value: 'retryable' } },
              ],
            },
          },
        ],
      },
    },
  ],
} as unknown as DocumentNode<GenerationStreamSubscription, GenerationStreamSubscriptionVariables>;
export const GenerationDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'query',
      name: { kind: 'Name', value: 'Generation' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'id' } },
          type: { kind: 'NonNullType', type: { kind: 'NamedType', name: { kind: 'Name', value: 'ID' } } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'generation' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'id' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'id' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                { kind: 'FragmentSpread', name: { kind: 'Name', value: 'GenerationParts' } },
                { kind: 'Field', name: { kind: 'Name', value: 'draft' } },
                { kind: 'Field', name: { kind: 'Name', value: 'variables' } },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'template' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'TemplateParts' } }],
                  },
                },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'templateVersion' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [
                      { kind: 'Field', name: { kind: 'Name', value: 'id' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'number' } },
                    ],
                  },
                },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'attempts' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [
                      { kind: 'Field', name: { kind: 'Name', value: 'number' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'model' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'base' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'reason' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'startedAt' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'firstTokenAt' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'endedAt' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'endedBy' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'failureCode' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'failureMessage' } },
                    ],
                  },
                },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'skipped' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [
                      { kind: 'Field', name: { kind: 'Name', value: 'model' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'reason' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'at' } },
                    ],
                  },
                },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'retryOf' },
                  selectionSet: { kind: 'SelectionSet', selections: [{ kind: 'Field', name: { kind: 'Name', value: 'id' } }] },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'GenerationParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Generation' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'status' } },
          { kind: 'Field', name: { kind: 'Name', value: 'text' } },
          { kind: 'Field', name: { kind: 'Name', value: 'cursor' } },
          { kind: 'Field', name: { kind: 'Name', value: 'requestedModel' } },
          { kind: 'Field', name: { kind: 'Name', value: 'model' } },
          { kind: 'Field', name: { kind: 'Name', value: 'metadata' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'usage' },
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                { kind: 'Field', name: { kind: 'Name', value: 'inputTokens' } },
                { kind: 'Field', name: { kind: 'Name', value: 'outputTokens' } },
                { kind: 'Field', name: { kind: 'Name', value: 'cachedInputTokens' } },
              ],
            },
          },
          { kind: 'Field', name: { kind: 'Name', value: 'costMicros' } },
          { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'startedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'firstTokenAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'finishedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'finishReason' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'failure' },
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                { kind: 'Field', name: { kind: 'Name', value: 'code' } },
                { kind: 'Field', name: { kind: 'Name', value: 'message' } },
                { kind: 'Field', name: { kind: 'Name', value: 'retryable' } },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'TemplateParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Template' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'slug' } },
          { kind: 'Field', name: { kind: 'Name', value: 'kind' } },
          { kind: 'Field', name: { kind: 'Name', value: 'title' } },
          { kind: 'Field', name: { kind: 'Name', value: 'description' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<GenerationQuery, GenerationQueryVariables>;
export const GenerationsDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'query',
      name: { kind: 'Name', value: 'Generations' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'first' } },
          type: { kind: 'NamedType', name: { kind: 'Name', value: 'Int' } },
        },
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'after' } },
          type: { kind: 'NamedType', name: { kind: 'Name', value: 'String' } },
        },
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'filter' } },
          type: { kind: 'NamedType', name: { kind: 'Name', value: 'GenerationFilter' } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'generations' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'first' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'first' } },
              },
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'after' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'after' } },
              },
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'filter' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'filter' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'nodes' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [
                      { kind: 'Field', name: { kind: 'Name', value: 'id' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'status' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'model' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'costMicros' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'finishedAt' } },
                      {
                        kind: 'Field',
                        name: { kind: 'Name', value: 'template' },
                        selectionSet: {
                          kind: 'SelectionSet',
                          selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'TemplateParts' } }],
                        },
                      },
                    ],
                  },
                },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'pageInfo' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [
                      { kind: 'Field', name: { kind: 'Name', value: 'hasNextPage' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'endCursor' } },
                    ],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'TemplateParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Template' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'slug' } },
          { kind: 'Field', name: { kind: 'Name', value: 'kind' } },
          { kind: 'Field', name: { kind: 'Name', value: 'title' } },
          { kind: 'Field', name: { kind: 'Name', value: 'description' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<GenerationsQuery, GenerationsQueryVariables>;
export const InvitationAcceptDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'mutation',
      name: { kind: 'Name', value: 'InvitationAccept' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
          type: { kind: 'NonNullType', type: { kind: 'NamedType', name: { kind: 'Name', value: 'InvitationAcceptInput' } } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'invitationAccept' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'input' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'member' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'MemberParts' } }],
                  },
                },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'apiKey' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'ApiKeyParts' } }],
                  },
                },
                { kind: 'Field', name: { kind: 'Name', value: 'secret' } },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'errors' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'UserErrorParts' } }],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'MemberParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Member' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'email' } },
          { kind: 'Field', name: { kind: 'Name', value: 'name' } },
          { kind: 'Field', name: { kind: 'Name', value: 'status' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'role' },
            selectionSet: { kind: 'SelectionSet', selections: [{ kind: 'Field', name: { kind: 'Name', value: 'name' } }] },
          },
          { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'ApiKeyParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'ApiKey' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'name' } },
          { kind: 'Field', name: { kind: 'Name', value: 'fingerprint' } },
          { kind: 'Field', name: { kind: 'Name', value: 'permissions' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'member' },
            selectionSet: { kind: 'SelectionSet', selections: [{ kind: 'Field', name: { kind: 'Name', value: 'id' } }] },
          },
          { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'expiresAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'lastUsedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'revokedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'requestsPerMinute' } },
          { kind: 'Field', name: { kind: 'Name', value: 'startsPerMinute' } },
          { kind: 'Field', name: { kind: 'Name', value: 'maxGenerations' } },
          { kind: 'Field', name: { kind: 'Name', value: 'maxSockets' } },
          { kind: 'Field', name: { kind: 'Name', value: 'maxSubscriptions' } },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'UserErrorParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'UserError' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'code' } },
          { kind: 'Field', name: { kind: 'Name', value: 'message' } },
          { kind: 'Field', name: { kind: 'Name', value: 'path' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<InvitationAcceptMutation, InvitationAcceptMutationVariables>;
export const InvitationCreateDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'mutation',
      name: { kind: 'Name', value: 'InvitationCreate' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
          type: { kind: 'NonNullType', type: { kind: 'NamedType', name: { kind: 'Name', value: 'InvitationCreateInput' } } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'invitationCreate' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'input' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'invitation' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'InvitationParts' } }],
                  },
                },
                { kind: 'Field', name: { kind: 'Name', value: 'token' } },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'errors' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'UserErrorParts' } }],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'InvitationParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Invitation' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'email' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'role' },
            selectionSet: { kind: 'SelectionSet', selections: [{ kind: 'Field', name: { kind: 'Name', value: 'name' } }] },
          },
          { kind: 'Field', name: { kind: 'Name', value: 'status' } },
          { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'expiresAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'acceptedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'revokedAt' } },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'UserErrorParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'UserError' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'code' } },
          { kind: 'Field', name: { kind: 'Name', value: 'message' } },
          { kind: 'Field', name: { kind: 'Name', value: 'path' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<InvitationCreateMutation, InvitationCreateMutationVariables>;
export const InvitationRevokeDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'mutation',
      name: { kind: 'Name', value: 'InvitationRevoke' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
          type: { kind: 'NonNullType', type: { kind: 'NamedType', name: { kind: 'Name', value: 'InvitationRevokeInput' } } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'invitationRevoke' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'input' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'invitation' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'InvitationParts' } }],
                  },
                },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'errors' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'UserErrorParts' } }],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'InvitationParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Invitation' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'email' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'role' },
            selectionSet: { kind: 'SelectionSet', selections: [{ kind: 'Field', name: { kind: 'Name', value: 'name' } }] },
          },
          { kind: 'Field', name: { kind: 'Name', value: 'status' } },
          { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'expiresAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'acceptedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'revokedAt' } },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'UserErrorParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'UserError' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'code' } },
          { kind: 'Field', name: { kind: 'Name', value: 'message' } },
          { kind: 'Field', name: { kind: 'Name', value: 'path' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<InvitationRevokeMutation, InvitationRevokeMutationVariables>;
export const InvitationsDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'query',
      name: { kind: 'Name', value: 'Invitations' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'first' } },
          type: { kind: 'NamedType', name: { kind: 'Name', value: 'Int' } },
        },
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'after' } },
          type: { kind: 'NamedType', name: { kind: 'Name', value: 'String' } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'invitations' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'first' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'first' } },
              },
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'after' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'after' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'nodes' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'InvitationParts' } }],
                  },
                },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'pageInfo' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [
                      { kind: 'Field', name: { kind: 'Name', value: 'hasNextPage' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'endCursor' } },
                    ],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'InvitationParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Invitation' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'email' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'role' },
            selectionSet: { kind: 'SelectionSet', selections: [{ kind: 'Field', name: { kind: 'Name', value: 'name' } }] },
          },
          { kind: 'Field', name: { kind: 'Name', value: 'status' } },
          { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'expiresAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'acceptedAt' } },
          { kind: 'Field', name: { kind: 'Name', value: 'revokedAt' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<InvitationsQuery, InvitationsQueryVariables>;
export const IssuerCreateDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'mutation',
      name: { kind: 'Name', value: 'IssuerCreate' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
          type: { kind: 'NonNullType', type: { kind: 'NamedType', name: { kind: 'Name', value: 'IssuerCreateInput' } } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'issuerCreate' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'input' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'issuer' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'IssuerParts' } }],
                  },
                },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'errors' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'UserErrorParts' } }],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'IssuerParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Issuer' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'name' } },
          { kind: 'Field', name: { kind: 'Name', value: 'url' } },
          { kind: 'Field', name: { kind: 'Name', value: 'audience' } },
          { kind: 'Field', name: { kind: 'Name', value: 'algorithms' } },
          { kind: 'Field', name: { kind: 'Name', value: 'subjectClaim' } },
          { kind: 'Field', name: { kind: 'Name', value: 'emailClaim' } },
          { kind: 'Field', name: { kind: 'Name', value: 'roleClaim' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'roles' },
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                { kind: 'Field', name: { kind: 'Name', value: 'value' } },
                { kind: 'Field', name: { kind: 'Name', value: 'role' } },
              ],
            },
          },
          { kind: 'Field', name: { kind: 'Name', value: 'defaultRole' } },
          { kind: 'Field', name: { kind: 'Name', value: 'isEnabled' } },
          { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'UserErrorParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'UserError' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'code' } },
          { kind: 'Field', name: { kind: 'Name', value: 'message' } },
          { kind: 'Field', name: { kind: 'Name', value: 'path' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<IssuerCreateMutation, IssuerCreateMutationVariables>;
export const IssuerDeleteDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'mutation',
      name: { kind: 'Name', value: 'IssuerDelete' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
          type: { kind: 'NonNullType', type: { kind: 'NamedType', name: { kind: 'Name', value: 'IssuerDeleteInput' } } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'issuerDelete' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'input' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                { kind: 'Field', name: { kind: 'Name', value: 'deletedId' } },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'errors' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'UserErrorParts' } }],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'UserErrorParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'UserError' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'code' } },
          { kind: 'Field', name: { kind: 'Name', value: 'message' } },
          { kind: 'Field', name: { kind: 'Name', value: 'path' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<IssuerDeleteMutation, IssuerDeleteMutationVariables>;
export const IssuerUpdateDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'mutation',
      name: { kind: 'Name', value: 'IssuerUpdate' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
          type: { kind: 'NonNullType', type: { kind: 'NamedType', name: { kind: 'Name', value: 'IssuerUpdateInput' } } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'issuerUpdate' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'input' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'issuer' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'IssuerParts' } }],
                  },
                },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'errors' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'UserErrorParts' } }],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'IssuerParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Issuer' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'name' } },
          { kind: 'Field', name: { kind: 'Name', value: 'url' } },
          { kind: 'Field', name: { kind: 'Name', value: 'audience' } },
          { kind: 'Field', name: { kind: 'Name', value: 'algorithms' } },
          { kind: 'Field', name: { kind: 'Name', value: 'subjectClaim' } },
          { kind: 'Field', name: { kind: 'Name', value: 'emailClaim' } },
          { kind: 'Field', name: { kind: 'Name', value: 'roleClaim' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'roles' },
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                { kind: 'Field', name: { kind: 'Name', value: 'value' } },
                { kind: 'Field', name: { kind: 'Name', value: 'role' } },
              ],
            },
          },
          { kind: 'Field', name: { kind: 'Name', value: 'defaultRole' } },
          { kind: 'Field', name: { kind: 'Name', value: 'isEnabled' } },
          { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'UserErrorParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'UserError' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'code' } },
          { kind: 'Field', name: { kind: 'Name', value: 'message' } },
          { kind: 'Field', name: { kind: 'Name', value: 'path' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<IssuerUpdateMutation, IssuerUpdateMutationVariables>;
export const IssuersDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'query',
      name: { kind: 'Name', value: 'Issuers' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'first' } },
          type: { kind: 'NamedType', name: { kind: 'Name', value: 'Int' } },
        },
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'after' } },
          type: { kind: 'NamedType', name: { kind: 'Name', value: 'String' } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'issuers' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'first' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'first' } },
              },
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'after' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'after' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'nodes' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'IssuerParts' } }],
                  },
                },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'pageInfo' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [
                      { kind: 'Field', name: { kind: 'Name', value: 'hasNextPage' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'endCursor' } },
                    ],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'IssuerParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Issuer' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'name' } },
          { kind: 'Field', name: { kind: 'Name', value: 'url' } },
          { kind: 'Field', name: { kind: 'Name', value: 'audience' } },
          { kind: 'Field', name: { kind: 'Name', value: 'algorithms' } },
          { kind: 'Field', name: { kind: 'Name', value: 'subjectClaim' } },
          { kind: 'Field', name: { kind: 'Name', value: 'emailClaim' } },
          { kind: 'Field', name: { kind: 'Name', value: 'roleClaim' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'roles' },
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                { kind: 'Field', name: { kind: 'Name', value: 'value' } },
                { kind: 'Field', name: { kind: 'Name', value: 'role' } },
              ],
            },
          },
          { kind: 'Field', name: { kind: 'Name', value: 'defaultRole' } },
          { kind: 'Field', name: { kind: 'Name', value: 'isEnabled' } },
          { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<IssuersQuery, IssuersQueryVariables>;
export const LimitsDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'query',
      name: { kind: 'Name', value: 'Limits' },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'viewer' },
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'limits' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'LimitParts' } }],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'LimitParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Limit' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'name' } },
          { kind: 'Field', name: { kind: 'Name', value: 'most' } },
          { kind: 'Field', name: { kind: 'Name', value: 'ceiling' } },
          { kind: 'Field', name: { kind: 'Name', value: 'left' } },
          { kind: 'Field', name: { kind: 'Name', value: 'resetAt' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<LimitsQuery, LimitsQueryVariables>;
export const MemberRemoveDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'mutation',
      name: { kind: 'Name', value: 'MemberRemove' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
          type: { kind: 'NonNullType', type: { kind: 'NamedType', name: { kind: 'Name', value: 'MemberRemoveInput' } } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'memberRemove' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'input' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'member' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'MemberParts' } }],
                  },
                },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'errors' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'UserErrorParts' } }],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'MemberParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Member' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'email' } },
          { kind: 'Field', name: { kind: 'Name', value: 'name' } },
          { kind: 'Field', name: { kind: 'Name', value: 'status' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'role' },
            selectionSet: { kind: 'SelectionSet', selections: [{ kind: 'Field', name: { kind: 'Name', value: 'name' } }] },
          },
          { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'UserErrorParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'UserError' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'code' } },
          { kind: 'Field', name: { kind: 'Name', value: 'message' } },
          { kind: 'Field', name: { kind: 'Name', value: 'path' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<MemberRemoveMutation, MemberRemoveMutationVariables>;
export const MemberUpdateDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'mutation',
      name: { kind: 'Name', value: 'MemberUpdate' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
          type: { kind: 'NonNullType', type: { kind: 'NamedType', name: { kind: 'Name', value: 'MemberUpdateInput' } } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'memberUpdate' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'input' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'member' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'MemberParts' } }],
                  },
                },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'errors' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'UserErrorParts' } }],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'MemberParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Member' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'email' } },
          { kind: 'Field', name: { kind: 'Name', value: 'name' } },
          { kind: 'Field', name: { kind: 'Name', value: 'status' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'role' },
            selectionSet: { kind: 'SelectionSet', selections: [{ kind: 'Field', name: { kind: 'Name', value: 'name' } }] },
          },
          { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'UserErrorParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'UserError' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'code' } },
          { kind: 'Field', name: { kind: 'Name', value: 'message' } },
          { kind: 'Field', name: { kind: 'Name', value: 'path' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<MemberUpdateMutation, MemberUpdateMutationVariables>;
export const MembersDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'query',
      name: { kind: 'Name', value: 'Members' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'first' } },
          type: { kind: 'NamedType', name: { kind: 'Name', value: 'Int' } },
        },
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'after' } },
          type: { kind: 'NamedType', name: { kind: 'Name', value: 'String' } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'members' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'first' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'first' } },
              },
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'after' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'after' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'nodes' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'MemberParts' } }],
                  },
                },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'pageInfo' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [
                      { kind: 'Field', name: { kind: 'Name', value: 'hasNextPage' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'endCursor' } },
                    ],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'MemberParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Member' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'email' } },
          { kind: 'Field', name: { kind: 'Name', value: 'name' } },
          { kind: 'Field', name: { kind: 'Name', value: 'status' } },
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'role' },
            selectionSet: { kind: 'SelectionSet', selections: [{ kind: 'Field', name: { kind: 'Name', value: 'name' } }] },
          },
          { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<MembersQuery, MembersQueryVariables>;
export const ModelsDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'query',
      name: { kind: 'Name', value: 'Models' },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'models' },
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                { kind: 'Field', name: { kind: 'Name', value: 'id' } },
                { kind: 'Field', name: { kind: 'Name', value: 'provider' } },
                { kind: 'Field', name: { kind: 'Name', value: 'name' } },
                { kind: 'Field', name: { kind: 'Name', value: 'contextWindow' } },
                { kind: 'Field', name: { kind: 'Name', value: 'maxOutputTokens' } },
                { kind: 'Field', name: { kind: 'Name', value: 'isDefault' } },
              ],
            },
          },
        ],
      },
    },
  ],
} as unknown as DocumentNode<ModelsQuery, ModelsQueryVariables>;
export const RoleCreateDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'mutation',
      name: { kind: 'Name', value: 'RoleCreate' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
          type: { kind: 'NonNullType', type: { kind: 'NamedType', name: { kind: 'Name', value: 'RoleCreateInput' } } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'roleCreate' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'input' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'role' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'RoleParts' } }],
                  },
                },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'errors' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'UserErrorParts' } }],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'RoleParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Role' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'name' } },
          { kind: 'Field', name: { kind: 'Name', value: 'permissions' } },
          { kind: 'Field', name: { kind: 'Name', value: 'isBuiltIn' } },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'UserErrorParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'UserError' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'code' } },
          { kind: 'Field', name: { kind: 'Name', value: 'message' } },
          { kind: 'Field', name: { kind: 'Name', value: 'path' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<RoleCreateMutation, RoleCreateMutationVariables>;
export const RoleDeleteDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'mutation',
      name: { kind: 'Name', value: 'RoleDelete' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
          type: { kind: 'NonNullType', type: { kind: 'NamedType', name: { kind: 'Name', value: 'RoleDeleteInput' } } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'roleDelete' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'input' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                { kind: 'Field', name: { kind: 'Name', value: 'deletedId' } },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'errors' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'UserErrorParts' } }],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'UserErrorParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'UserError' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'code' } },
          { kind: 'Field', name: { kind: 'Name', value: 'message' } },
          { kind: 'Field', name: { kind: 'Name', value: 'path' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<RoleDeleteMutation, RoleDeleteMutationVariables>;
export const RoleUpdateDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'mutation',
      name: { kind: 'Name', value: 'RoleUpdate' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
          type: { kind: 'NonNullType', type: { kind: 'NamedType', name: { kind: 'Name', value: 'RoleUpdateInput' } } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'roleUpdate' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'input' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'role' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'RoleParts' } }],
                  },
                },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'errors' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'UserErrorParts' } }],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'RoleParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Role' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'name' } },
          { kind: 'Field', name: { kind: 'Name', value: 'permissions' } },
          { kind: 'Field', name: { kind: 'Name', value: 'isBuiltIn' } },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'UserErrorParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'UserError' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'code' } },
          { kind: 'Field', name: { kind: 'Name', value: 'message' } },
          { kind: 'Field', name: { kind: 'Name', value: 'path' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<RoleUpdateMutation, RoleUpdateMutationVariables>;
export const RolesDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'query',
      name: { kind: 'Name', value: 'Roles' },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'roles' },
            selectionSet: {
              kind: 'SelectionSet',
              selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'RoleParts' } }],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'RoleParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Role' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'name' } },
          { kind: 'Field', name: { kind: 'Name', value: 'permissions' } },
          { kind: 'Field', name: { kind: 'Name', value: 'isBuiltIn' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<RolesQuery, RolesQueryVariables>;
export const TemplateDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'query',
      name: { kind: 'Name', value: 'Template' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'slug' } },
          type: { kind: 'NonNullType', type: { kind: 'NamedType', name: { kind: 'Name', value: 'String' } } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'template' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'slug' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'slug' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                { kind: 'FragmentSpread', name: { kind: 'Name', value: 'TemplateParts' } },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'currentVersion' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [
                      { kind: 'Field', name: { kind: 'Name', value: 'id' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'number' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'variablesSchema' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'sample' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'maxOutputTokens' } },
                    ],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'TemplateParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Template' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'slug' } },
          { kind: 'Field', name: { kind: 'Name', value: 'kind' } },
          { kind: 'Field', name: { kind: 'Name', value: 'title' } },
          { kind: 'Field', name: { kind: 'Name', value: 'description' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<TemplateQuery, TemplateQueryVariables>;
export const TemplatesDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'query',
      name: { kind: 'Name', value: 'Templates' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'first' } },
          type: { kind: 'NamedType', name: { kind: 'Name', value: 'Int' } },
        },
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'after' } },
          type: { kind: 'NamedType', name: { kind: 'Name', value: 'String' } },
        },
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'filter' } },
          type: { kind: 'NamedType', name: { kind: 'Name', value: 'TemplateFilter' } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'templates' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'first' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'first' } },
              },
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'after' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'after' } },
              },
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'filter' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'filter' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'nodes' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'TemplateParts' } }],
                  },
                },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'pageInfo' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [
                      { kind: 'Field', name: { kind: 'Name', value: 'hasNextPage' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'endCursor' } },
                    ],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'TemplateParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Template' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'id' } },
          { kind: 'Field', name: { kind: 'Name', value: 'slug' } },
          { kind: 'Field', name: { kind: 'Name', value: 'kind' } },
          { kind: 'Field', name: { kind: 'Name', value: 'title' } },
          { kind: 'Field', name: { kind: 'Name', value: 'description' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<TemplatesQuery, TemplatesQueryVariables>;
export const TenantCreateDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'mutation',
      name: { kind: 'Name', value: 'TenantCreate' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
          type: { kind: 'NonNullType', type: { kind: 'NamedType', name: { kind: 'Name', value: 'TenantCreateInput' } } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'tenantCreate' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'input' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'tenant' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [
                      { kind: 'Field', name: { kind: 'Name', value: 'id' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'name' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'createdAt' } },
                    ],
                  },
                },
                { kind: 'Field', name: { kind: 'Name', value: 'ownerKey' } },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'errors' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'UserErrorParts' } }],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'UserErrorParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'UserError' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'code' } },
          { kind: 'Field', name: { kind: 'Name', value: 'message' } },
          { kind: 'Field', name: { kind: 'Name', value: 'path' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<TenantCreateMutation, TenantCreateMutationVariables>;
export const TenantDeleteDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'mutation',
      name: { kind: 'Name', value: 'TenantDelete' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
          type: { kind: 'NonNullType', type: { kind: 'NamedType', name: { kind: 'Name', value: 'TenantDeleteInput' } } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'tenantDelete' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'input' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                { kind: 'Field', name: { kind: 'Name', value: 'deletedId' } },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'errors' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'UserErrorParts' } }],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'UserErrorParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'UserError' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'code' } },
          { kind: 'Field', name: { kind: 'Name', value: 'message' } },
          { kind: 'Field', name: { kind: 'Name', value: 'path' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<TenantDeleteMutation, TenantDeleteMutationVariables>;
export const TenantLimitsUpdateDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'mutation',
      name: { kind: 'Name', value: 'TenantLimitsUpdate' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
          type: { kind: 'NonNullType', type: { kind: 'NamedType', name: { kind: 'Name', value: 'TenantLimitsUpdateInput' } } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'tenantLimitsUpdate' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'input' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'limits' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'LimitParts' } }],
                  },
                },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'errors' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'UserErrorParts' } }],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'LimitParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'Limit' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'name' } },
          { kind: 'Field', name: { kind: 'Name', value: 'most' } },
          { kind: 'Field', name: { kind: 'Name', value: 'ceiling' } },
          { kind: 'Field', name: { kind: 'Name', value: 'left' } },
          { kind: 'Field', name: { kind: 'Name', value: 'resetAt' } },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'UserErrorParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'UserError' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'code' } },
          { kind: 'Field', name: { kind: 'Name', value: 'message' } },
          { kind: 'Field', name: { kind: 'Name', value: 'path' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<TenantLimitsUpdateMutation, TenantLimitsUpdateMutationVariables>;
export const TenantUpdateDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'mutation',
      name: { kind: 'Name', value: 'TenantUpdate' },
      variableDefinitions: [
        {
          kind: 'VariableDefinition',
          variable: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
          type: { kind: 'NonNullType', type: { kind: 'NamedType', name: { kind: 'Name', value: 'TenantUpdateInput' } } },
        },
      ],
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'tenantUpdate' },
            arguments: [
              {
                kind: 'Argument',
                name: { kind: 'Name', value: 'input' },
                value: { kind: 'Variable', name: { kind: 'Name', value: 'input' } },
              },
            ],
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'tenant' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [
                      { kind: 'Field', name: { kind: 'Name', value: 'id' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'generationRetentionDays' } },
                    ],
                  },
                },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'errors' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [{ kind: 'FragmentSpread', name: { kind: 'Name', value: 'UserErrorParts' } }],
                  },
                },
              ],
            },
          },
        ],
      },
    },
    {
      kind: 'FragmentDefinition',
      name: { kind: 'Name', value: 'UserErrorParts' },
      typeCondition: { kind: 'NamedType', name: { kind: 'Name', value: 'UserError' } },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          { kind: 'Field', name: { kind: 'Name', value: 'code' } },
          { kind: 'Field', name: { kind: 'Name', value: 'message' } },
          { kind: 'Field', name: { kind: 'Name', value: 'path' } },
        ],
      },
    },
  ],
} as unknown as DocumentNode<TenantUpdateMutation, TenantUpdateMutationVariables>;
export const ViewerDocument = {
  kind: 'Document',
  definitions: [
    {
      kind: 'OperationDefinition',
      operation: 'query',
      name: { kind: 'Name', value: 'Viewer' },
      selectionSet: {
        kind: 'SelectionSet',
        selections: [
          {
            kind: 'Field',
            name: { kind: 'Name', value: 'viewer' },
            selectionSet: {
              kind: 'SelectionSet',
              selections: [
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'tenant' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [
                      { kind: 'Field', name: { kind: 'Name', value: 'id' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'name' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'generationRetentionDays' } },
                    ],
                  },
                },
                {
                  kind: 'Field',
                  name: { kind: 'Name', value: 'actor' },
                  selectionSet: {
                    kind: 'SelectionSet',
                    selections: [
                      { kind: 'Field', name: { kind: 'Name', value: 'id' } },
                      { kind: 'Field', name: { kind: 'Name', value: 'email' } },
                    ],
                  },
                },
                { kind: 'Field', name: { kind: 'Name', value: 'permissions' } },
              ],
            },
          },
        ],
      },
    },
  ],
} as unknown as DocumentNode<ViewerQuery, ViewerQueryVariables>;
