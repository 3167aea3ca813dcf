CREATE TABLE "route_versions" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"route_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"definition" jsonb NOT NULL,
	"note" text,
	"published_at" timestamp with time zone DEFAULT now() NOT NULL,
	"published_by" uuid,
	CONSTRAINT "route_versions_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "route_versions_tenant_id_route_id_number" UNIQUE("tenant_id","route_id","number")
);
--> statement-breakpoint
ALTER TABLE "route_versions" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "routes" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"name" text NOT NULL,
	"version" integer NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "routes_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "routes_tenant_id_name" UNIQUE("tenant_id","name")
);
--> statement-breakpoint
ALTER TABLE "routes" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "generations" ADD COLUMN "plan" jsonb;--> statement-breakpoint
ALTER TABLE "route_versions" ADD CONSTRAINT "route_versions_route" FOREIGN KEY ("tenant_id","route_id") REFERENCES "public"."routes"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "route_versions" ADD CONSTRAINT "route_versions_published_by_member" FOREIGN KEY ("tenant_id","published_by") REFERENCES "public"."members"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "routes" ADD CONSTRAINT "routes_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE POLICY "tenant_wall" ON "route_versions" AS PERMISSIVE FOR ALL TO "draftwire_app" USING (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "tenant_wall" ON "routes" AS PERMISSIVE FOR ALL TO "draftwire_app" USING (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid);--> statement-breakpoint
ALTER TABLE routes FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE route_versions FORCE ROW LEVEL SECURITY;--> statement-breakpoint
-- Without its author a version stays what it is: only the column that names them is cleared.
ALTER TABLE route_versions DROP CONSTRAINT route_versions_published_by_member;--> statement-breakpoint
ALTER TABLE route_versions ADD CONSTRAINT route_versions_published_by_member FOREIGN KEY (tenant_id, published_by)
  REFERENCES members (tenant_id, id) ON DELETE SET NULL (published_by);--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON routes TO draftwire_app;--> statement-breakpoint
GRANT SELECT, INSERT, DELETE ON route_versions TO draftwire_app;
