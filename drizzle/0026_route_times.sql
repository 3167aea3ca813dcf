CREATE TABLE "route_times" (
	"tenant_id" uuid NOT NULL,
	"route_id" uuid NOT NULL,
	"version" integer NOT NULL,
	"counts" jsonb NOT NULL,
	"counted_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "route_times_tenant_id_route_id_version_pk" PRIMARY KEY("tenant_id","route_id","version")
);
--> statement-breakpoint
ALTER TABLE "route_times" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "estimate" jsonb;--> statement-breakpoint
ALTER TABLE "route_times" ADD CONSTRAINT "route_times_version" FOREIGN KEY ("tenant_id","route_id","version") REFERENCES "public"."route_versions"("tenant_id","route_id","number") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE POLICY "tenant_wall" ON "route_times" AS PERMISSIVE FOR ALL TO "draftwire_app" USING (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid);--> statement-breakpoint
ALTER TABLE route_times FORCE ROW LEVEL SECURITY;--> statement-breakpoint
-- A row of a busy route is written once a second by each process: room for its next version beside it.
ALTER TABLE route_times SET (fillfactor = 50);--> statement-breakpoint
-- Rows go with their version.
GRANT SELECT, INSERT, UPDATE ON route_times TO draftwire_app;
