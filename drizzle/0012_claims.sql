ALTER TABLE "members" ADD COLUMN "claimed_roles" text[];--> statement-breakpoint
ALTER TABLE "members" ADD COLUMN "claimed_at" timestamp with time zone;--> statement-breakpoint
-- Who came through an issuer has had the role that they came with; their next token says which they have.
-- The policies bind the owner of the tables too, so they step aside for it.
ALTER TABLE members NO FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE identities NO FORCE ROW LEVEL SECURITY;--> statement-breakpoint
UPDATE members m SET claimed_roles = ARRAY[m.role]
  WHERE EXISTS (SELECT FROM identities i WHERE i.tenant_id = m.tenant_id AND i.member_id = m.id);--> statement-breakpoint
ALTER TABLE members FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE identities FORCE ROW LEVEL SECURITY;--> statement-breakpoint
-- Names and addresses of people are nothing to who looks up keys: only whether somebody is a member, and what they may do.
REVOKE SELECT ON members, invitations FROM draftwire_engine;--> statement-breakpoint
GRANT SELECT (id, tenant_id, role, claimed_roles, removed_at) ON members TO draftwire_engine;--> statement-breakpoint
GRANT SELECT (id, tenant_id, member_id, secret_hash, expires_at, accepted_at, revoked_at) ON invitations TO draftwire_engine;
