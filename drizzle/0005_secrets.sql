CREATE TABLE "data_keys" (
	"tenant_id" uuid PRIMARY KEY NOT NULL,
	"master_key_id" text NOT NULL,
	"wrapped" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"wrapped_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "data_keys" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "provider_credentials" (
	"id" uuid NOT NULL,
	"tenant_id" uuid NOT NULL,
	"provider" text NOT NULL,
	"sealed" text NOT NULL,
	"fingerprint" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_by" uuid,
	CONSTRAINT "provider_credentials_id_unique" UNIQUE("id"),
	CONSTRAINT "provider_credentials_tenant_id_provider" UNIQUE("tenant_id","provider")
);
--> statement-breakpoint
ALTER TABLE "provider_credentials" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "data_keys" ADD CONSTRAINT "data_keys_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "provider_credentials" ADD CONSTRAINT "provider_credentials_tenant_id_data_keys_tenant_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."data_keys"("tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "provider_credentials" ADD CONSTRAINT "provider_credentials_updated_by_member" FOREIGN KEY ("tenant_id","updated_by") REFERENCES "public"."members"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "provider_credentials_updated_by" ON "provider_credentials" USING btree ("updated_by","tenant_id");--> statement-breakpoint
CREATE POLICY "tenant_wall" ON "data_keys" AS PERMISSIVE FOR ALL TO "draftwire_app" USING (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "engine_reads" ON "data_keys" AS PERMISSIVE FOR SELECT TO "draftwire_engine" USING (true);--> statement-breakpoint
CREATE POLICY "tenant_wall" ON "provider_credentials" AS PERMISSIVE FOR ALL TO "draftwire_app" USING (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid);--> statement-breakpoint
ALTER TABLE data_keys FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE provider_credentials FORCE ROW LEVEL SECURITY;--> statement-breakpoint
-- Without its last setter a credential stays what it is: only the column that names them is cleared.
ALTER TABLE provider_credentials DROP CONSTRAINT provider_credentials_updated_by_member;--> statement-breakpoint
ALTER TABLE provider_credentials ADD CONSTRAINT provider_credentials_updated_by_member FOREIGN KEY (tenant_id, updated_by)
  REFERENCES members (tenant_id, id) ON DELETE SET NULL (updated_by);--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE ON data_keys TO draftwire_app;--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON provider_credentials TO draftwire_app;--> statement-breakpoint
-- Which master keys are in use, and nothing else of a data key, is the engine's to see.
GRANT SELECT (tenant_id, master_key_id) ON data_keys TO draftwire_engine;
