CREATE TABLE "tenant_limits" (
	"tenant_id" uuid NOT NULL,
	"name" text NOT NULL,
	"ceiling" integer,
	"own" integer,
	CONSTRAINT "tenant_limits_tenant_id_name_pk" PRIMARY KEY("tenant_id","name")
);
--> statement-breakpoint
ALTER TABLE "tenant_limits" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "held_slots" (
	"tenant_id" uuid NOT NULL,
	"subject" uuid NOT NULL,
	"kind" text NOT NULL,
	"holders" jsonb DEFAULT '{}'::jsonb NOT NULL,
	CONSTRAINT "held_slots_tenant_id_subject_kind_pk" PRIMARY KEY("tenant_id","subject","kind")
);
--> statement-breakpoint
ALTER TABLE "held_slots" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "processes" (
	"id" uuid PRIMARY KEY NOT NULL,
	"lease_until" timestamp with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "processes" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "rate_limits" DISABLE ROW LEVEL SECURITY;--> statement-breakpoint
-- What operators had set holds on.
INSERT INTO tenant_limits (tenant_id, name, ceiling)
	SELECT tenant_id, name, ceiling FROM rate_limits,
		LATERAL (VALUES ('REQUESTS_PER_MEMBER', member), ('REQUESTS_PER_TENANT', tenant), ('STARTS_PER_MEMBER', starts),
			('QUERY_COST', cost), ('QUERY_COST_PER_SECOND', cost_per_second)) AS v(name, ceiling)
	WHERE ceiling IS NOT NULL;--> statement-breakpoint
DROP POLICY "tenant_wall" ON "rate_limits" CASCADE;--> statement-breakpoint
DROP TABLE "rate_limits" CASCADE;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "requests_per_minute" integer;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "starts_per_minute" integer;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "max_generations" integer;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "max_sockets" integer;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "max_subscriptions" integer;--> statement-breakpoint
ALTER TABLE "generations" ADD COLUMN "key_id" uuid;--> statement-breakpoint
ALTER TABLE "tenant_limits" ADD CONSTRAINT "tenant_limits_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "held_slots" ADD CONSTRAINT "held_slots_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "api_keys_limited" ON "api_keys" USING btree ("tenant_id") WHERE coalesce(requests_per_minute, starts_per_minute, max_generations, max_sockets, max_subscriptions) is not null;--> statement-breakpoint
CREATE INDEX "generations_unfinished" ON "generations" USING btree ("tenant_id","member_id") WHERE finished_at is null;--> statement-breakpoint
CREATE POLICY "tenant_wall" ON "tenant_limits" AS PERMISSIVE FOR ALL TO "draftwire_app" USING (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "engine_wall" ON "tenant_limits" AS PERMISSIVE FOR ALL TO "draftwire_engine" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "tenant_wall" ON "held_slots" AS PERMISSIVE FOR ALL TO "draftwire_app" USING (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "everyone_reads" ON "processes" AS PERMISSIVE FOR SELECT TO "draftwire_app" USING (true);--> statement-breakpoint
CREATE POLICY "engine_wall" ON "processes" AS PERMISSIVE FOR ALL TO "draftwire_engine" USING (true) WITH CHECK (true);--> statement-breakpoint
ALTER TABLE tenant_limits FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE held_slots FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE processes FORCE ROW LEVEL SECURITY;--> statement-breakpoint
-- Room on each page: a row's next version goes beside it, and no index is touched.
ALTER TABLE held_slots SET (fillfactor = 50);--> statement-breakpoint
ALTER TABLE processes SET (fillfactor = 50);--> statement-breakpoint
-- A tenant lowers its limits; the ceiling above them is an operator's.
GRANT SELECT, INSERT (tenant_id, name, own), UPDATE (own) ON tenant_limits TO draftwire_app;--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE ON tenant_limits TO draftwire_engine;--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE ON held_slots TO draftwire_app;--> statement-breakpoint
GRANT SELECT ON processes TO draftwire_app;--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON processes TO draftwire_engine;--> statement-breakpoint
-- Raises DW001, named after the limit, when a tenant, member or key has as many unfinished generations as it may have (0: as many as it
-- likes). True means that one more may be inserted in this transaction, whatever others do meanwhile.
--
-- A start that is not committed cannot be counted, so starts wait for one another: near a limit by an exclusive lock. There can be no more
-- starts under way than connections; further than that below the limit a shared lock does, which only those who are near wait for.
CREATE FUNCTION check_room_for_generation(tenant uuid, member uuid, key uuid, tenant_most int, member_most int, key_most int) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	unseen CONSTANT int := current_setting('max_connections')::int;
	names CONSTANT text[] := ARRAY['GENERATIONS_PER_TENANT', 'GENERATIONS_PER_MEMBER', 'GENERATIONS_PER_KEY'];
	subjects CONSTANT uuid[] := ARRAY[tenant, member, key];
	most CONSTANT int[] := ARRAY[tenant_most, member_most, key_most];
	held int[] := ARRAY[0, 0, 0];
	is_near boolean[] := ARRAY[true, true, true];
BEGIN
	IF greatest(tenant_most, member_most, key_most) > 3 * unseen THEN
		SELECT ARRAY[count(*), count(*) FILTER (WHERE g.member_id = member), count(*) FILTER (WHERE g.key_id = key)] INTO held
		FROM generations g WHERE g.tenant_id = tenant AND g.finished_at IS NULL;
	END IF;
	FOR n IN 1..3 LOOP
		CONTINUE WHEN most[n] = 0;
		is_near[n] := held[n] + 3 * unseen > most[n];
		-- In the order tenant, member, key on every connection: nobody waits for a lock whose holder waits for one of theirs.
		IF is_near[n] THEN
			PERFORM pg_advisory_xact_lock(hashtextextended(subjects[n]::text, 1));
		ELSE
			PERFORM pg_advisory_xact_lock_shared(hashtextextended(subjects[n]::text, 1));
		END IF;
	END LOOP;
	-- Each statement in here sees what was committed before it began: all who had the locks.
	SELECT ARRAY[count(*), count(*) FILTER (WHERE g.member_id = member), count(*) FILTER (WHERE g.key_id = key)] INTO held
	FROM generations g WHERE g.tenant_id = tenant AND g.finished_at IS NULL;
	FOR n IN 1..3 LOOP
		CONTINUE WHEN most[n] = 0;
		IF held[n] >= most[n] THEN
			RAISE EXCEPTION USING ERRCODE = 'DW001', MESSAGE = names[n], DETAIL = most[n];
		ELSIF NOT is_near[n] AND held[n] + unseen > most[n] THEN
			RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE = 'more was started meanwhile than can be told apart';
		END IF;
	END LOOP;
	RETURN true;
END;
$$;--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION check_room_for_generation FROM PUBLIC;--> statement-breakpoint
GRANT EXECUTE ON FUNCTION check_room_for_generation TO draftwire_app;
