CREATE TABLE "budget_holds" (
	"tenant_id" uuid NOT NULL,
	"generation_id" uuid NOT NULL,
	"attempt" integer NOT NULL,
	"budget_ids" uuid[] NOT NULL,
	"amounts" bigint[] NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "budget_holds_tenant_id_generation_id_attempt_pk" PRIMARY KEY("tenant_id","generation_id","attempt")
);
--> statement-breakpoint
ALTER TABLE "budget_holds" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "budgets" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"subject" text NOT NULL,
	"team" text,
	"key_id" uuid,
	"member_id" uuid,
	"target" text GENERATED ALWAYS AS (subject || ':' || coalesce(team, key_id::text, member_id::text, '')) STORED NOT NULL,
	"unit" text NOT NULL,
	"period" text NOT NULL,
	"most" bigint NOT NULL,
	"soft_at" double precision,
	"allows_unknown_price" boolean DEFAULT false NOT NULL,
	"settled" bigint DEFAULT 0 NOT NULL,
	"outstanding" bigint DEFAULT 0 NOT NULL,
	"slices" bigint[] DEFAULT '{}' NOT NULL,
	"slice" integer DEFAULT 0 NOT NULL,
	"soft_reached_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "budgets_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "budgets_target" UNIQUE("target","tenant_id","unit","period")
);
--> statement-breakpoint
ALTER TABLE "budgets" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "budgets" ADD CONSTRAINT "budgets_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "budgets" ADD CONSTRAINT "budgets_key" FOREIGN KEY ("tenant_id","key_id") REFERENCES "public"."api_keys"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "budgets" ADD CONSTRAINT "budgets_member" FOREIGN KEY ("tenant_id","member_id") REFERENCES "public"."members"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "budgets_key_id" ON "budgets" USING btree ("key_id","tenant_id");--> statement-breakpoint
CREATE INDEX "budgets_member_id" ON "budgets" USING btree ("member_id","tenant_id");--> statement-breakpoint
CREATE POLICY "tenant_wall" ON "budget_holds" AS PERMISSIVE FOR ALL TO "draftwire_app" USING (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "engine_wall" ON "budget_holds" AS PERMISSIVE FOR ALL TO "draftwire_engine" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "tenant_wall" ON "budgets" AS PERMISSIVE FOR ALL TO "draftwire_app" USING (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('draftwire.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "engine_wall" ON "budgets" AS PERMISSIVE FOR ALL TO "draftwire_engine" USING (true) WITH CHECK (true);--> statement-breakpoint
ALTER TABLE budgets FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE budget_holds FORCE ROW LEVEL SECURITY;--> statement-breakpoint
-- Room on each page: a row's next version goes beside it, and no index is touched.
ALTER TABLE budgets SET (fillfactor = 50);--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON budgets TO draftwire_app;--> statement-breakpoint
GRANT SELECT, UPDATE ON budgets TO draftwire_engine;--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON budget_holds TO draftwire_app;--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON budget_holds TO draftwire_engine;--> statement-breakpoint
-- The ring of a budget with all slices emptied that have left the window since it was written.
CREATE FUNCTION budget_ring(slices bigint[], was int, latest int, size int) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF cardinality(slices) <> size OR latest - was >= size THEN RETURN array_fill(0::bigint, ARRAY[size]); END IF;
	FOR n IN was + 1..latest LOOP slices[n % size + 1] := 0; END LOOP;
	RETURN slices;
END;
$$;--> statement-breakpoint
-- Reserves for one call of a generation under every budget that counts it, or raises and leaves nothing: DW003 where a budget has no room, DW004 where
-- one in money does not allow a price that is not known (`cost` is null). The locks are taken in the order of ids, whoever asks, and each look
-- is at what was committed before the lock was given: so who fits is decided in the order of commits. What takes nothing always fits.
-- `moment` is for tests of the window: now when absent.
CREATE FUNCTION reserve_budgets(tenant uuid, generation uuid, call int, team_name text, own_key uuid, own_member uuid,
	cost bigint, tokens bigint, generations int, moment timestamptz DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	b record;
	own bigint;
	size int;
	seconds int;
	latest int;
	lacking bigint;
	resets int;
	ids uuid[] := '{}';
	amounts bigint[] := '{}';
BEGIN
	FOR b IN
		SELECT x.id, x.subject, x.unit, x.period, x.most, x.soft_at, x.allows_unknown_price, x.settled, x.outstanding, x.slices, x.slice
		FROM budgets x
		WHERE x.tenant_id = tenant
			AND x.target = ANY (ARRAY['TENANT:', 'TEAM:' || team_name, 'KEY:' || own_key, 'MEMBER:' || own_member])
		ORDER BY x.id FOR UPDATE
	LOOP
		own := CASE b.unit WHEN 'TOKENS' THEN tokens WHEN 'GENERATIONS' THEN generations
			ELSE coalesce(cost, CASE WHEN b.allows_unknown_price THEN 0 END) END;
		IF own IS NULL THEN
			RAISE EXCEPTION USING ERRCODE = 'DW004', MESSAGE = 'PRICE_UNKNOWN',
				DETAIL = json_build_object('budget', b.id, 'subject', b.subject, 'unit', b.unit, 'period', b.period, 'most', b.most);
		END IF;
		size := CASE b.period WHEN 'DAY' THEN 25 WHEN 'WEEK' THEN 29 ELSE 31 END;
		seconds := CASE b.period WHEN 'DAY' THEN 3600 WHEN 'WEEK' THEN 21600 ELSE 86400 END;
		latest := floor(extract(epoch FROM coalesce(moment, clock_timestamp())) / seconds);
		IF latest > b.slice THEN
			b.slices := budget_ring(b.slices, b.slice, latest, size);
			b.settled := (SELECT sum(s) FROM unnest(b.slices) s);
			UPDATE budgets x SET slices = b.slices, slice = latest, settled = b.settled, outstanding = x.outstanding + own,
				soft_reached_at = CASE WHEN b.settled >= b.soft_at * b.most THEN x.soft_reached_at END
			WHERE x.tenant_id = tenant AND x.id = b.id;
			b.slice := latest;
		ELSIF own > 0 THEN
			UPDATE budgets x SET outstanding = x.outstanding + own WHERE x.tenant_id = tenant AND x.id = b.id;
		END IF;
		lacking := b.settled + b.outstanding + own - b.most;
		IF own > 0 AND lacking > 0 THEN
			-- When so much of what is settled will have left the window that it fits, or all of it; null when nothing is.
			FOR n IN b.slice - size + 1..b.slice LOOP
				CONTINUE WHEN b.slices[n % size + 1] IS NULL OR b.slices[n % size + 1] = 0;
				resets := n + size;
				lacking := lacking - b.slices[n % size + 1];
				EXIT WHEN lacking <= 0;
			END LOOP;
			RAISE EXCEPTION USING ERRCODE = 'DW003', MESSAGE = 'BUDGET_EXCEEDED',
				DETAIL = json_build_object('budget', b.id, 'subject', b.subject, 'unit', b.unit, 'period', b.period, 'most', b.most,
					'left', greatest(0, b.most - b.settled - b.outstanding), 'needed', own,
					'resetsAt', extract(epoch FROM to_timestamp(resets::float8 * seconds)) * 1000);
		END IF;
		ids := ids || b.id;
		amounts := amounts || own;
	END LOOP;
	IF cardinality(ids) > 0 THEN
		INSERT INTO budget_holds (tenant_id, generation_id, attempt, budget_ids, amounts) VALUES (tenant, generation, call, ids, amounts);
	END IF;
	RETURN true;
END;
$$;--> statement-breakpoint
-- Settles what the calls of a generation have reserved, all of them or those below `below`: the call `ended` by what it used, where that is known
-- (null: not), every other by all that was reserved, since nobody knows what it used. Gives the budgets whose soft limit was reached by it.
CREATE FUNCTION settle_budgets(tenant uuid, generation uuid, below int, ended int, used_cost bigint, used_tokens bigint, used_generations int,
	moment timestamptz DEFAULT NULL) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	hold record;
	b record;
	used bigint;
	size int;
	latest int;
	reached uuid[] := '{}';
BEGIN
	FOR hold IN
		SELECT h.attempt, h.budget_ids, h.amounts FROM budget_holds h
		WHERE h.tenant_id = tenant AND h.generation_id = generation AND (below IS NULL OR h.attempt < below)
		ORDER BY h.attempt FOR UPDATE
	LOOP
		FOR n IN 1..cardinality(hold.budget_ids) LOOP
			SELECT x.unit, x.period, x.most, x.soft_at, x.settled, x.slices, x.slice, x.soft_reached_at INTO b
			FROM budgets x WHERE x.tenant_id = tenant AND x.id = hold.budget_ids[n] FOR UPDATE;
			CONTINUE WHEN NOT FOUND;
			used := hold.amounts[n];
			IF hold.attempt = ended THEN
				used := coalesce(CASE b.unit WHEN 'TOKENS' THEN used_tokens WHEN 'GENERATIONS' THEN used_generations ELSE used_cost END, used);
			END IF;
			size := CASE b.period WHEN 'DAY' THEN 25 WHEN 'WEEK' THEN 29 ELSE 31 END;
			latest := floor(extract(epoch FROM coalesce(moment, clock_timestamp()))
				/ CASE b.period WHEN 'DAY' THEN 3600 WHEN 'WEEK' THEN 21600 ELSE 86400 END);
			IF latest > b.slice THEN
				b.slices := budget_ring(b.slices, b.slice, latest, size);
				b.settled := (SELECT sum(s) FROM unnest(b.slices) s);
				b.slice := latest;
			END IF;
			IF b.settled < b.soft_at * b.most THEN b.soft_reached_at := NULL; END IF;
			IF used > 0 THEN
				b.settled := b.settled + used;
				b.slices[b.slice % size + 1] := b.slices[b.slice % size + 1] + used;
			END IF;
			IF b.settled >= b.soft_at * b.most THEN
				IF b.soft_reached_at IS NULL AND used > 0 THEN
					b.soft_reached_at := coalesce(moment, clock_timestamp());
					reached := reached || hold.budget_ids[n];
				END IF;
			END IF;
			UPDATE budgets x SET outstanding = greatest(0, x.outstanding - hold.amounts[n]), settled = b.settled, slices = b.slices, slice = b.slice,
				soft_reached_at = b.soft_reached_at
			WHERE x.tenant_id = tenant AND x.id = hold.budget_ids[n];
		END LOOP;
		DELETE FROM budget_holds h WHERE h.tenant_id = tenant AND h.generation_id = generation AND h.attempt = hold.attempt;
	END LOOP;
	RETURN reached;
END;
$$;--> statement-breakpoint
-- Reserves for one more call of a generation, whoever it counts for.
CREATE FUNCTION reserve_call(tenant uuid, generation uuid, call int, cost bigint, tokens bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	g record;
BEGIN
	SELECT x.key_id, x.member_id, CASE jsonb_typeof(x.metadata -> 'team') WHEN 'string' THEN x.metadata ->> 'team' END AS team INTO g
	FROM generations x WHERE x.tenant_id = tenant AND x.id = generation;
	RETURN reserve_budgets(tenant, generation, call, g.team, g.key_id, g.member_id, cost, tokens, 0);
END;
$$;--> statement-breakpoint
-- Settles the attempt that ended and reserves for the next one of a generation, or raises as `reserve_budgets` does and leaves both as they were. The next is
-- covered already where this is done again, and where it goes on with the second of two calls.
CREATE FUNCTION renew_budgets(tenant uuid, generation uuid, ended int, used_cost bigint, used_tokens bigint, next_cost bigint, next_tokens bigint)
RETURNS uuid[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	reached uuid[];
BEGIN
	UPDATE budget_holds h SET attempt = ended + 1 WHERE h.tenant_id = tenant AND h.generation_id = generation AND h.attempt = -ended;
	reached := settle_budgets(tenant, generation, ended + 1, ended, used_cost, used_tokens, NULL);
	IF NOT EXISTS (SELECT FROM budget_holds h WHERE h.tenant_id = tenant AND h.generation_id = generation AND h.attempt = ended + 1) THEN
		PERFORM reserve_call(tenant, generation, ended + 1, next_cost, next_tokens);
	END IF;
	RETURN reached;
END;
$$;--> statement-breakpoint
-- Reserves for the second of two calls of an attempt, once.
CREATE FUNCTION double_budgets(tenant uuid, generation uuid, attempt_now int, cost bigint, tokens bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	RETURN EXISTS (SELECT FROM budget_holds h WHERE h.tenant_id = tenant AND h.generation_id = generation AND h.attempt = -attempt_now)
		OR reserve_call(tenant, generation, -attempt_now, cost, tokens);
END;
$$;--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION budget_ring, reserve_budgets, settle_budgets, reserve_call, renew_budgets, double_budgets FROM PUBLIC;--> statement-breakpoint
GRANT EXECUTE ON FUNCTION budget_ring, reserve_budgets, settle_budgets, reserve_call, renew_budgets, double_budgets TO draftwire_app, draftwire_engine;
