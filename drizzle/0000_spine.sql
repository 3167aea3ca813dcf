CREATE TABLE "api_keys" (
	"id" uuid NOT NULL,
	"tenant_id" uuid NOT NULL,
	"member_id" uuid NOT NULL,
	"name" text NOT NULL,
	"secret_hash" text NOT NULL,
	"permissions" text[] NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"revoked_at" timestamp with time zone,
	CONSTRAINT "api_keys_id_unique" UNIQUE("id"),
	CONSTRAINT "api_keys_tenant_id_id" UNIQUE("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "api_keys" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "attempts" (
	"tenant_id" uuid NOT NULL,
	"generation_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"epoch" integer NOT NULL,
	"model" text NOT NULL,
	"base" integer NOT NULL,
	"reason" text,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"first_token_at" timestamp with time zone,
	"ended_at" timestamp with time zone,
	"ended_by" text,
	"end_offset" integer,
	"failure_code" text,
	"failure_message" text,
	CONSTRAINT "attempts_tenant_id_generation_id_number_pk" PRIMARY KEY("tenant_id","generation_id","number")
);
--> statement-breakpoint
ALTER TABLE "attempts" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "chunks" (
	"tenant_id" uuid NOT NULL,
	"generation_id" uuid NOT NULL,
	"attempt" integer NOT NULL,
	"start" integer NOT NULL,
	"body" text NOT NULL,
	CONSTRAINT "chunks_tenant_id_generation_id_attempt_start_pk" PRIMARY KEY("tenant_id","generation_id","attempt","start")
);
--> statement-breakpoint
ALTER TABLE "chunks" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "generations" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"member_id" uuid NOT NULL,
	"template_version_id" uuid NOT NULL,
	"template_slug" text NOT NULL,
	"retry_of" uuid,
	"status" text NOT NULL,
	"requested_model" text NOT NULL,
	"model" text NOT NULL,
	"variables" jsonb NOT NULL,
	"metadata" jsonb,
	"prompt" jsonb NOT NULL,
	"draft" text NOT NULL,
	"max_output_tokens" integer NOT NULL,
	"temperature" double precision,
	"failover_policy" text NOT NULL,
	"epoch" integer NOT NULL,
	"attempt" integer NOT NULL,
	"take_overs" integer DEFAULT 0 NOT NULL,
	"lease_until" timestamp with time zone,
	"cancel_requested_at" timestamp with time zone,
	"text" text,
	"finish_reason" text,
	"failure_code" text,
	"failure_message" text,
	"failure_retryable" boolean,
	"input_tokens" integer,
	"output_tokens" integer,
	"cached_input_tokens" integer,
	"cost_micros" bigint,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp with time zone,
	"first_token_at" timestamp with time zone,
	"finished_at" timestamp with time zone,
	"chunks_deleted_at" timestamp with time zone,
	CONSTRAINT "generations_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "generations" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"tenant_id" uuid NOT NULL,
	"member_id" uuid NOT NULL,
	"operation" text NOT NULL,
	"key" text NOT NULL,
	"input_hash" text NOT NULL,
	"thing_id" uuid NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "idempotency_keys_tenant_id_member_id_operation_key_pk" PRIMARY KEY("tenant_id","member_id","operation","key")
);
--> statement-breakpoint
ALTER TABLE "idempotency_keys" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "template_versions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"template_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"content_hash" text NOT NULL,
	"variables_schema" jsonb NOT NULL,
	"sample" jsonb NOT NULL,
	"max_output_tokens" integer NOT NULL,
	"failover_policy" text NOT NULL,
	"draft_source" text NOT NULL,
	"prompt_source" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "template_versions_template_id_number" UNIQUE("template_id","number")
);
--> statement-breakpoint
ALTER TABLE "template_versions" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "templates" (
	"id" uuid PRIMARY KEY NOT NULL,
	"slug" text NOT NULL,
	"kind" text NOT NULL,
	"title" text NOT NULL,
	"description" text NOT NULL,
	"current_version_id" uuid NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "templates_slug_unique" UNIQUE("slug")
);
--> statement-breakpoint
ALTER TABLE "templates" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "members" (
	"id" uuid NOT NULL,
	"tenant_id" uuid NOT NULL,
	"email" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "members_id_unique" UNIQUE("id"),
	CONSTRAINT "members_tenant_id_id" UNIQUE("tenant_id","id"),
	CONSTRAINT "members_tenant_id_email" UNIQUE("tenant_id","email")
);
--> statement-breakpoint
ALTER TABLE "members" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "tenants" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"generation_retention_days" integer,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "tenants" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_tenant_id_member_id_members_tenant_id_id_fk" FOREIGN KEY ("tenant_id","member_id") REFERENCES "public"."members"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "attempts" ADD CONSTRAINT "attempts_tenant_id_generation_id_generations_tenant_id_id_fk" FOREIGN KEY ("tenant_id","generation_id") REFERENCES "public"."generations"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "chunks" ADD CONSTRAINT "chunks_tenant_id_generation_id_generations_tenant_id_id_fk" FOREIGN KEY ("tenant_id","generation_id") REFERENCES "public"."generations"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "generations" ADD CONSTRAINT "generations_template_version_id_template_versions_id_fk" FOREIGN KEY ("template_version_id") REFERENCES "public"."template_versions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "generations" ADD CONSTRAINT "generations_tenant_id_member_id_members_tenant_id_id_fk" FOREIGN KEY ("tenant_id","member_id") REFERENCES "public"."members"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "idempotency_keys" ADD CONSTRAINT "idempotency_keys_tenant_id_member_id_members_tenant_id_id_fk" FOREIGN KEY ("tenant_id","member_id") REFERENCES "public"."members"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "template_versions" ADD CONSTRAINT "template_versions_template_id_templates_id_fk" FOREIGN KEY ("template_id") REFERENCES "public"."templates"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "members" ADD CONSTRAINT "members_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "api_keys_tenant_id_member_id" ON "api_keys" USING btree ("tenant_id","member_id");--> statement-breakpoint
CREATE INDEX "generations_tenant_id_member_id" ON "generations" USING btree ("tenant_id","member_id");--> statement-breakpoint
CREATE INDEX "generations_lease" ON "generations" USING btree ("lease_until") WHERE status = 'RUNNING';--> statement-breakpoint
CREATE INDEX "generations_queue" ON "generations" USING btree ("created_at") WHERE status = 'QUEUED';--> statement-breakpoint
CREATE INDEX "generations_finished" ON "generations" USING btree ("finished_at") WHERE finished_at is not null and chunks_deleted_at is null;--> statement-breakpoint
CREATE INDEX "generations_retention" ON "generations" USING btree ("tenant_id","finished_at");--> statement-breakpoint
CREATE INDEX "idempotency_keys_expires_at" ON "idempotency_keys" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "idempotency_keys_tenant_id_thing_id" ON "idempotency_keys" USING btree ("tenant_id","thing_id");--> statement-breakpoint
CREATE POLICY "tenant_wall" ON "api_keys" AS PERMISSIVE FOR ALL TO "draftwire_app" USING (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "engine_reads" ON "api_keys" AS PERMISSIVE FOR SELECT TO "draftwire_engine" USING (true);--> statement-breakpoint
CREATE POLICY "tenant_wall" ON "attempts" AS PERMISSIVE FOR ALL TO "draftwire_app" USING (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "engine_wall" ON "attempts" AS PERMISSIVE FOR ALL TO "draftwire_engine" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "tenant_wall" ON "chunks" AS PERMISSIVE FOR ALL TO "draftwire_app" USING (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "engine_wall" ON "chunks" AS PERMISSIVE FOR ALL TO "draftwire_engine" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "tenant_wall" ON "generations" AS PERMISSIVE FOR ALL TO "draftwire_app" USING (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "engine_wall" ON "generations" AS PERMISSIVE FOR ALL TO "draftwire_engine" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "tenant_wall" ON "idempotency_keys" AS PERMISSIVE FOR ALL TO "draftwire_app" USING (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "engine_wall" ON "idempotency_keys" AS PERMISSIVE FOR ALL TO "draftwire_engine" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "everyone_reads" ON "template_versions" AS PERMISSIVE FOR SELECT TO "draftwire_app" USING (true);--> statement-breakpoint
CREATE POLICY "engine_wall" ON "template_versions" AS PERMISSIVE FOR ALL TO "draftwire_engine" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "everyone_reads" ON "templates" AS PERMISSIVE FOR SELECT TO "draftwire_app" USING (true);--> statement-breakpoint
CREATE POLICY "engine_wall" ON "templates" AS PERMISSIVE FOR ALL TO "draftwire_engine" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "tenant_wall" ON "members" AS PERMISSIVE FOR ALL TO "draftwire_app" USING (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "tenant_wall" ON "tenants" AS PERMISSIVE FOR ALL TO "draftwire_app" USING (id = nullif(current_setting('draftwire.tenant', true), '')::uuid) WITH CHECK (id = nullif(current_setting('draftwire.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "engine_reads" ON "tenants" AS PERMISSIVE FOR SELECT TO "draftwire_engine" USING (true);