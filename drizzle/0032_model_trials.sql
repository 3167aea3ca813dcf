CREATE TABLE "model_trials" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"member_id" uuid NOT NULL,
	"key_id" uuid,
	"model" text NOT NULL,
	"input_tokens" integer,
	"output_tokens" integer,
	"cost_micros" bigint,
	"most_cost_micros" bigint,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "model_trials_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "model_trials" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "model_trials" ADD CONSTRAINT "model_trials_member" FOREIGN KEY ("tenant_id","member_id") REFERENCES "public"."members"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "model_trials_member_id" ON "model_trials" USING btree ("member_id","tenant_id");--> statement-breakpoint
CREATE POLICY "tenant_wall" ON "model_trials" AS PERMISSIVE FOR ALL TO "draftwire_app" USING (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid);--> statement-breakpoint
ALTER TABLE model_trials FORCE ROW LEVEL SECURITY;--> statement-breakpoint
-- Written once each, and let go when they are old.
GRANT SELECT, INSERT, DELETE ON model_trials TO draftwire_app;
