CREATE TABLE "audit_entries" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"txid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"operation" text NOT NULL,
	"code" text,
	"count" integer DEFAULT 1 NOT NULL,
	"actor" text NOT NULL,
	"proof_kind" text NOT NULL,
	"proof_id" text NOT NULL,
	"transport" text,
	"address" text,
	"request_id" text,
	"thing" text,
	"before" jsonb,
	"after" jsonb,
	"position" bigint,
	"hash" text,
	CONSTRAINT "audit_entries_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "audit_entries" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "audit_heads" (
	"tenant_id" uuid PRIMARY KEY NOT NULL,
	"position" bigint NOT NULL,
	"hash" text NOT NULL,
	"mac" text NOT NULL,
	"doubted_at" bigint,
	"sealed_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "audit_heads" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "idempotency_keys" DROP CONSTRAINT "idempotency_keys_tenant_id_member_id_members_tenant_id_id_fk";
--> statement-breakpoint
ALTER TABLE "idempotency_keys" ALTER COLUMN "thing_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "idempotency_keys" ADD COLUMN "thing_kind" text;--> statement-breakpoint
ALTER TABLE "idempotency_keys" ADD COLUMN "sealed" text;--> statement-breakpoint
CREATE INDEX "audit_entries_unsealed" ON "audit_entries" USING btree ("txid","id") WHERE position is null;--> statement-breakpoint
CREATE UNIQUE INDEX "audit_entries_tenant_id_position" ON "audit_entries" USING btree ("tenant_id","position") WHERE position is not null;--> statement-breakpoint
CREATE INDEX "audit_entries_tenant_id_created_at" ON "audit_entries" USING btree ("tenant_id","created_at") WHERE position is not null;--> statement-breakpoint
CREATE INDEX "audit_entries_tenant_id_thing" ON "audit_entries" USING btree ("tenant_id","thing","id") WHERE position is not null and thing is not null;--> statement-breakpoint
CREATE POLICY "tenant_wall" ON "audit_entries" AS PERMISSIVE FOR ALL TO "draftwire_app" USING (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "engine_reads" ON "audit_entries" AS PERMISSIVE FOR SELECT TO "draftwire_engine" USING (true);--> statement-breakpoint
CREATE POLICY "engine_seals" ON "audit_entries" AS PERMISSIVE FOR UPDATE TO "draftwire_engine" USING (position is null) WITH CHECK (position is not null);--> statement-breakpoint
CREATE POLICY "tenant_wall" ON "audit_heads" AS PERMISSIVE FOR ALL TO "draftwire_app" USING (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "engine_wall" ON "audit_heads" AS PERMISSIVE FOR ALL TO "draftwire_engine" USING (true) WITH CHECK (true);--> statement-breakpoint
ALTER TABLE audit_entries FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE audit_heads FORCE ROW LEVEL SECURITY;--> statement-breakpoint
-- The app adds entries and changes none; their time, transaction and place in the chain are not its to say.
GRANT SELECT ON audit_entries, audit_heads TO draftwire_app;--> statement-breakpoint
GRANT INSERT (tenant_id, id, operation, code, count, actor, proof_kind, proof_id, transport, address, request_id, thing, before, after) ON audit_entries TO draftwire_app;--> statement-breakpoint
-- The sealer spans tenants: it reads entries and writes their place, once.
GRANT SELECT ON audit_entries TO draftwire_engine;--> statement-breakpoint
GRANT UPDATE (position, hash) ON audit_entries TO draftwire_engine;--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE ON audit_heads TO draftwire_engine;
