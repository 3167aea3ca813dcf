ALTER TABLE "api_keys" ADD COLUMN "expires_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "last_used_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "replaces_id" uuid;--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_tenant_id_replaces_id_api_keys_tenant_id_id_fk" FOREIGN KEY ("tenant_id","replaces_id") REFERENCES "public"."api_keys"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_tenant_id_replaces_id" UNIQUE("tenant_id","replaces_id");--> statement-breakpoint
CREATE POLICY "engine_notes_use" ON "api_keys" AS PERMISSIVE FOR UPDATE TO "draftwire_engine" USING (true) WITH CHECK (true);--> statement-breakpoint
-- When a key was used, and nothing else of it, is the engine's to write.
GRANT UPDATE (last_used_at) ON api_keys TO draftwire_engine;
