CREATE TABLE "invitations" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"member_id" uuid NOT NULL,
	"invited_by_id" uuid NOT NULL,
	"email" text NOT NULL,
	"role" text NOT NULL,
	"secret_hash" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"accepted_at" timestamp with time zone,
	"revoked_at" timestamp with time zone,
	CONSTRAINT "invitations_id_unique" UNIQUE("id"),
	CONSTRAINT "invitations_tenant_id_id" UNIQUE("tenant_id","id"),
	CONSTRAINT "invitations_tenant_id_member_id" UNIQUE("tenant_id","member_id")
);
--> statement-breakpoint
ALTER TABLE "invitations" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "roles" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"name" text NOT NULL,
	"permissions" text[] NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "roles_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "roles_tenant_id_name" UNIQUE("tenant_id","name")
);
--> statement-breakpoint
ALTER TABLE "roles" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "members" DROP CONSTRAINT "members_tenant_id_email";--> statement-breakpoint
DROP INDEX "generations_member_id";--> statement-breakpoint
ALTER TABLE "members" ADD COLUMN "name" text;--> statement-breakpoint
ALTER TABLE "members" ADD COLUMN "role" text DEFAULT 'member' NOT NULL;--> statement-breakpoint
ALTER TABLE "members" ADD COLUMN "removed_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "tenants" ADD COLUMN "suspended_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "tenants" ADD COLUMN "deleted_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_tenant_id_invited_by_id_members_tenant_id_id_fk" FOREIGN KEY ("tenant_id","invited_by_id") REFERENCES "public"."members"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "roles" ADD CONSTRAINT "roles_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "members_tenant_id_email" ON "members" USING btree ("tenant_id","email") WHERE removed_at is null;--> statement-breakpoint
CREATE INDEX "generations_member_id" ON "generations" USING btree ("member_id","tenant_id","id");--> statement-breakpoint
CREATE POLICY "engine_reads" ON "members" AS PERMISSIVE FOR SELECT TO "draftwire_engine" USING (true);--> statement-breakpoint
CREATE POLICY "engine_deletes" ON "tenants" AS PERMISSIVE FOR DELETE TO "draftwire_engine" USING (deleted_at is not null);--> statement-breakpoint
CREATE POLICY "tenant_wall" ON "invitations" AS PERMISSIVE FOR ALL TO "draftwire_app" USING (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "engine_reads" ON "invitations" AS PERMISSIVE FOR SELECT TO "draftwire_engine" USING (true);--> statement-breakpoint
CREATE POLICY "tenant_wall" ON "roles" AS PERMISSIVE FOR ALL TO "draftwire_app" USING (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "engine_reads" ON "roles" AS PERMISSIVE FOR SELECT TO "draftwire_engine" USING (true);--> statement-breakpoint
ALTER TABLE invitations FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE roles FORCE ROW LEVEL SECURITY;--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE ON invitations TO draftwire_app;--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON roles TO draftwire_app;--> statement-breakpoint
-- The lookup of keys and invitations reads who shows them and what their role may do; the purger deletes tenants that are gone.
GRANT SELECT ON members, roles, invitations TO draftwire_engine;--> statement-breakpoint
GRANT DELETE ON tenants TO draftwire_engine;--> statement-breakpoint
-- Until now everybody could do whatever their key could, and reached all things of the tenant: so it stays for who and what is there.
-- A key that could do everything can go on doing so, whatever comes; the build before this one reads what it knows beside the star.
-- The policies bind the owner of the tables too, so they step aside for it.
ALTER TABLE members NO FORCE ROW LEVEL SECURITY;--> statement-breakpoint
UPDATE members SET role = 'owner';--> statement-breakpoint
ALTER TABLE members FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE api_keys NO FORCE ROW LEVEL SECURITY;--> statement-breakpoint
UPDATE api_keys SET permissions = CASE
  WHEN permissions @> '{templates:read,generations:read,generations:write,models:read,tenant:write,keys:read,keys:write,schema:introspect,schema:federate,health:read}'
    THEN permissions || '{*}'::text[]
  ELSE permissions
    || CASE WHEN permissions && '{generations:read,generations:write}' THEN '{generations:others}'::text[] ELSE '{}' END
    || CASE WHEN permissions && '{keys:read,keys:write}' THEN '{keys:others}'::text[] ELSE '{}' END
    || CASE WHEN permissions && '{keys:read}' THEN '{members:read}'::text[] ELSE '{}' END
  END;--> statement-breakpoint
ALTER TABLE api_keys FORCE ROW LEVEL SECURITY;
