ALTER TABLE "tenants" ADD COLUMN "runs_installation" boolean DEFAULT false NOT NULL;--> statement-breakpoint
CREATE POLICY "engine_records" ON "audit_entries" AS PERMISSIVE FOR INSERT TO "draftwire_engine" WITH CHECK (proof_kind = 'service');--> statement-breakpoint
CREATE POLICY "engine_appoints" ON "tenants" AS PERMISSIVE FOR UPDATE TO "draftwire_engine" USING (true) WITH CHECK (true);--> statement-breakpoint
-- Which tenant runs the installation is not the app's to say.
REVOKE INSERT, UPDATE ON tenants FROM draftwire_app;--> statement-breakpoint
GRANT INSERT (id, name, generation_retention_days, created_at, suspended_at, deleted_at) ON tenants TO draftwire_app;--> statement-breakpoint
GRANT UPDATE (name, generation_retention_days, suspended_at, deleted_at) ON tenants TO draftwire_app;--> statement-breakpoint
GRANT UPDATE (runs_installation) ON tenants TO draftwire_engine;--> statement-breakpoint
GRANT INSERT (tenant_id, id, operation, code, count, actor, proof_kind, proof_id, transport, address, request_id, thing, before, after) ON audit_entries TO draftwire_engine;
