CREATE TABLE "model_health" (
	"model" text PRIMARY KEY NOT NULL,
	"state" text DEFAULT 'CLOSED' NOT NULL,
	"round" integer DEFAULT 0 NOT NULL,
	"since" timestamp with time zone DEFAULT now() NOT NULL,
	"next_probe_at" timestamp with time zone,
	"failures" integer DEFAULT 0 NOT NULL,
	"recent" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"latency_ms" double precision,
	"latency_weight" double precision DEFAULT 0 NOT NULL,
	"latency_at" timestamp with time zone,
	"told_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "model_health" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE POLICY "engine_wall" ON "model_health" AS PERMISSIVE FOR ALL TO "draftwire_engine" USING (true) WITH CHECK (true);--> statement-breakpoint
ALTER TABLE model_health FORCE ROW LEVEL SECURITY;--> statement-breakpoint
-- Every process writes all of it once a second while letters are written: room for the next version of a row beside it.
ALTER TABLE model_health SET (fillfactor = 50);--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON model_health TO draftwire_engine;
