CREATE TABLE "identities" (
	"tenant_id" uuid NOT NULL,
	"issuer" text NOT NULL,
	"claim" text NOT NULL,
	"subject" text NOT NULL,
	"member_id" uuid NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "identities_tenant_id_issuer_claim_subject_pk" PRIMARY KEY("tenant_id","issuer","claim","subject")
);
--> statement-breakpoint
ALTER TABLE "identities" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "issuers" (
	"id" uuid NOT NULL,
	"tenant_id" uuid NOT NULL,
	"name" text NOT NULL,
	"url" text NOT NULL,
	"audience" text NOT NULL,
	"algorithms" text[] NOT NULL,
	"subject_claim" text NOT NULL,
	"email_claim" text,
	"role_claim" text,
	"roles" jsonb NOT NULL,
	"default_role" text,
	"is_enabled" boolean DEFAULT true NOT NULL,
	"revision" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"deleted_at" timestamp with time zone,
	CONSTRAINT "issuers_id_unique" UNIQUE("id"),
	CONSTRAINT "issuers_tenant_id_id" UNIQUE("tenant_id","id"),
	CONSTRAINT "issuers_url_audience" UNIQUE("url","audience")
);
--> statement-breakpoint
ALTER TABLE "issuers" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "identities" ADD CONSTRAINT "identities_tenant_id_member_id_members_tenant_id_id_fk" FOREIGN KEY ("tenant_id","member_id") REFERENCES "public"."members"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "issuers" ADD CONSTRAINT "issuers_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "identities_tenant_id_member_id" ON "identities" USING btree ("tenant_id","member_id");--> statement-breakpoint
CREATE POLICY "tenant_wall" ON "identities" AS PERMISSIVE FOR ALL TO "draftwire_app" USING (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "tenant_wall" ON "issuers" AS PERMISSIVE FOR ALL TO "draftwire_app" USING (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "engine_reads" ON "issuers" AS PERMISSIVE FOR SELECT TO "draftwire_engine" USING (true);--> statement-breakpoint
ALTER TABLE issuers FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE identities FORCE ROW LEVEL SECURITY;--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE ON issuers TO draftwire_app;--> statement-breakpoint
GRANT SELECT, INSERT ON identities TO draftwire_app;--> statement-breakpoint
-- Whose token it is: before its issuer is found nobody knows.
GRANT SELECT ON issuers TO draftwire_engine;
