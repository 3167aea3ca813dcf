CREATE TABLE "cache_entries" (
	"tenant_id" uuid NOT NULL,
	"key" text NOT NULL,
	"generation_id" uuid NOT NULL,
	"max_age_seconds" integer NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "cache_entries_tenant_id_key_pk" PRIMARY KEY("tenant_id","key")
);
--> statement-breakpoint
ALTER TABLE "cache_entries" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "source" uuid;--> statement-breakpoint
ALTER TABLE "generations" ADD COLUMN "cache" jsonb;--> statement-breakpoint
ALTER TABLE "tenants" ADD COLUMN "generation_cache_mode" text DEFAULT 'OFF' NOT NULL;--> statement-breakpoint
ALTER TABLE "tenants" ADD COLUMN "generation_cache_max_age_seconds" integer;--> statement-breakpoint
ALTER TABLE "cache_entries" ADD CONSTRAINT "cache_entries_tenant_id_generation_id_generations_tenant_id_id_fk" FOREIGN KEY ("tenant_id","generation_id") REFERENCES "public"."generations"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "cache_entries_generation" ON "cache_entries" USING btree ("tenant_id","generation_id");--> statement-breakpoint
CREATE INDEX "cache_entries_expiry" ON "cache_entries" USING btree ("expires_at");--> statement-breakpoint
CREATE POLICY "tenant_wall" ON "cache_entries" AS PERMISSIVE FOR ALL TO "draftwire_app" USING (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "engine_wall" ON "cache_entries" AS PERMISSIVE FOR ALL TO "draftwire_engine" USING (true) WITH CHECK (true);--> statement-breakpoint
ALTER TABLE cache_entries FORCE ROW LEVEL SECURITY;--> statement-breakpoint
-- An entry goes with its generation, or when it is too old: by cascade, and by the engine.
GRANT SELECT, INSERT, UPDATE ON cache_entries TO draftwire_app;--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON cache_entries TO draftwire_engine;--> statement-breakpoint
-- Tenants choose these themselves; the other columns are granted one by one (0015_services).
GRANT INSERT (generation_cache_mode, generation_cache_max_age_seconds), UPDATE (generation_cache_mode, generation_cache_max_age_seconds) ON tenants TO draftwire_app;
