CREATE TABLE "held_places" (
	"provider" text PRIMARY KEY NOT NULL,
	"holders" jsonb DEFAULT '{}'::jsonb NOT NULL
);
--> statement-breakpoint
ALTER TABLE "held_places" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE POLICY "engine_wall" ON "held_places" AS PERMISSIVE FOR ALL TO "draftwire_engine" USING (true) WITH CHECK (true);--> statement-breakpoint
ALTER TABLE held_places FORCE ROW LEVEL SECURITY;--> statement-breakpoint
-- Room on each page: a row's next version goes beside it, and no index is touched.
ALTER TABLE held_places SET (fillfactor = 50);--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE ON held_places TO draftwire_engine;--> statement-breakpoint
GRANT EXECUTE ON FUNCTION process_lives TO draftwire_engine;
