CREATE TABLE "cost_buckets" (
	"tenant_id" uuid PRIMARY KEY NOT NULL,
	"spent" double precision DEFAULT 0 NOT NULL,
	"spent_at" timestamp with time zone DEFAULT now() NOT NULL,
	"epoch" integer DEFAULT 0 NOT NULL,
	"reserved" integer DEFAULT 0 NOT NULL,
	"reserved_before" integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
ALTER TABLE "cost_buckets" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "rate_limits" ADD COLUMN "cost" integer;--> statement-breakpoint
ALTER TABLE "rate_limits" ADD COLUMN "cost_per_second" integer;--> statement-breakpoint
ALTER TABLE "cost_buckets" ADD CONSTRAINT "cost_buckets_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE POLICY "tenant_wall" ON "cost_buckets" AS PERMISSIVE FOR ALL TO "draftwire_app" USING (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid);--> statement-breakpoint
ALTER TABLE cost_buckets FORCE ROW LEVEL SECURITY;--> statement-breakpoint
-- Room on each page: a row's next version goes beside it, and no index is touched.
ALTER TABLE cost_buckets SET (fillfactor = 50);--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE ON cost_buckets TO draftwire_app;
