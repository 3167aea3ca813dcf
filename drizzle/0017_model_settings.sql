CREATE TABLE "model_settings" (
	"id" text PRIMARY KEY NOT NULL,
	"context_window" integer,
	"max_output_tokens" integer,
	"has_structured_output" boolean,
	"retires_at" timestamp with time zone,
	"prices" jsonb,
	"changed_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "model_settings" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "input_tokens" integer;--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "output_tokens" integer;--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "cached_input_tokens" integer;--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "cache_write_tokens" integer;--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "cost_micros" bigint;--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "price" jsonb;--> statement-breakpoint
CREATE POLICY "everyone_reads" ON "model_settings" AS PERMISSIVE FOR SELECT TO "draftwire_app" USING (true);--> statement-breakpoint
CREATE POLICY "engine_wall" ON "model_settings" AS PERMISSIVE FOR ALL TO "draftwire_engine" USING (true) WITH CHECK (true);--> statement-breakpoint
ALTER TABLE model_settings FORCE ROW LEVEL SECURITY;--> statement-breakpoint
GRANT SELECT ON model_settings TO draftwire_app;--> statement-breakpoint
-- What an operator says of models.
GRANT SELECT, INSERT, UPDATE, DELETE ON model_settings TO draftwire_engine;
