ALTER TABLE "budgets" ALTER COLUMN "target" DROP EXPRESSION;--> statement-breakpoint
ALTER TABLE "budgets" ALTER COLUMN "target" SET DEFAULT '';--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "makers" uuid[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "budget_holds" ADD COLUMN "is_together" boolean;--> statement-breakpoint
ALTER TABLE "budgets" ADD COLUMN "unit_number" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "budgets" ADD COLUMN "slice_hours" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
-- Row by row it would be looked at behind the tenants' walls, which the owner has no policy for.
ALTER TABLE budgets NO FORCE ROW LEVEL SECURITY;--> statement-breakpoint
UPDATE budgets SET unit_number = CASE unit WHEN 'COST_MICROS' THEN 1 WHEN 'TOKENS' THEN 2 ELSE 3 END,
	slice_hours = CASE period WHEN 'DAY' THEN 1 WHEN 'WEEK' THEN 6 ELSE 24 END;--> statement-breakpoint
ALTER TABLE budgets FORCE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE FUNCTION name_budget() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	NEW.target := NEW.subject || ':' || coalesce(NEW.team, NEW.key_id::text, NEW.member_id::text, '');
	NEW.unit_number := CASE NEW.unit WHEN 'COST_MICROS' THEN 1 WHEN 'TOKENS' THEN 2 ELSE 3 END;
	NEW.slice_hours := CASE NEW.period WHEN 'DAY' THEN 1 WHEN 'WEEK' THEN 6 ELSE 24 END;
	RETURN NEW;
END;
$$;--> statement-breakpoint
CREATE TRIGGER name_budget BEFORE INSERT ON budgets FOR EACH ROW EXECUTE FUNCTION name_budget();--> statement-breakpoint
-- After, and not before: each row that is reserved under would be looked at once more.
CREATE FUNCTION rename_budget() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	UPDATE budgets x SET target = 'KEY:' || NEW.key_id WHERE x.tenant_id = NEW.tenant_id AND x.id = NEW.id;
	RETURN NULL;
END;
$$;--> statement-breakpoint
CREATE TRIGGER rename_budget AFTER UPDATE OF key_id ON budgets FOR EACH ROW EXECUTE FUNCTION rename_budget();--> statement-breakpoint
-- Empties the slices of budgets that have left the window by `hour`; gives those that had any.
CREATE FUNCTION turn_budgets(tenant uuid, ids uuid[], hour int) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	turned uuid[];
BEGIN
	WITH old AS MATERIALIZED (
		SELECT x.id, x.slices, x.slice, hour / x.slice_hours AS latest,
			CASE x.period WHEN 'DAY' THEN 25 WHEN 'WEEK' THEN 29 ELSE 31 END AS size
		FROM budgets x WHERE x.tenant_id = tenant AND x.id = ANY (ids) ORDER BY x.id FOR NO KEY UPDATE
	), rings AS MATERIALIZED (
		SELECT o.id, o.latest, budget_ring(o.slices, o.slice, o.latest, o.size) AS ring FROM old o WHERE o.slice < o.latest
	), written AS (
		UPDATE budgets x SET slices = r.ring, slice = r.latest, settled = t.total,
			soft_reached_at = CASE WHEN t.total >= x.soft_at * x.most THEN x.soft_reached_at END
		FROM rings r, LATERAL (SELECT sum(s) AS total FROM unnest(r.ring) s) t
		WHERE x.tenant_id = tenant AND x.id = r.id RETURNING x.id
	)
	SELECT array_agg(w.id) INTO turned FROM written w;
	RETURN turned;
END;
$$;--> statement-breakpoint
DROP FUNCTION reserve_budgets(uuid, uuid, int, text, uuid, uuid, bigint, bigint, int, timestamptz);--> statement-breakpoint
-- Reserves for one call of a generation under every budget that counts it, or raises and leaves nothing: DW003 where a budget has no room, DW004 where one in
-- money does not allow a price that is not known. `cost` is below 0 then, by one and by what the dearest of the models costs whose prices are known (null, of an
-- early build: nothing is). Who comes first is decided before a row is read: by one lock where a budget of the whole tenant counts it (`together`; looked up when
-- null), which all of its calls would wait for anyway, else by the rows' locks in the order of ids. So each adds to what was committed, and fits or undoes it:
-- in the order of commits. What takes nothing always fits. A key counts for the budgets of its makers and of its successor, which has those that it had itself.
-- Plans are made once, where a planner thinks that new ones pay for so few ids; and by index, as the table of what is reserved is empty most of the time, but not short. `moment` is for tests of the window.
CREATE FUNCTION reserve_budgets(tenant uuid, generation uuid, call int, team_name text, own_key uuid, own_member uuid,
	cost bigint, tokens bigint, generations int, moment timestamptz DEFAULT NULL, together boolean DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
	targets text[] := ARRAY['TENANT:', 'TEAM:' || team_name, 'KEY:' || own_key, 'MEMBER:' || own_member];
	given bigint[] := ARRAY[CASE WHEN cost < 0 THEN -1 - cost ELSE coalesce(cost, 0) END, tokens, generations];
	hour int;
	ids uuid[];
	has_room boolean;
	b record;
	size int;
	lacking bigint;
	resets int;
BEGIN
	IF own_key IS NOT NULL THEN
		targets := targets || (SELECT array_agg('KEY:' || t.id) FROM (
			SELECT unnest(k.makers) AS id FROM api_keys k WHERE k.tenant_id = tenant AND k.id = own_key
			UNION ALL SELECT n.id FROM api_keys n WHERE n.tenant_id = tenant AND n.replaces_id = own_key) t);
	END IF;
	IF together IS NULL THEN
		together := EXISTS (SELECT FROM budgets x WHERE x.tenant_id = tenant AND x.target = 'TENANT:');
	END IF;
	IF together THEN
		has_room := pg_advisory_xact_lock(uuid_hash_extended(tenant, 2)) IS NULL;
	ELSE
		PERFORM FROM budgets x WHERE x.tenant_id = tenant AND x.target = ANY (targets) ORDER BY x.id FOR NO KEY UPDATE;
	END IF;
	hour := floor(date_part('epoch', coalesce(moment, clock_timestamp())) / 3600);
	WITH written AS (
		UPDATE budgets x SET outstanding = x.outstanding + given[x.unit_number]
		WHERE x.tenant_id = tenant AND x.target = ANY (targets)
		RETURNING x.id, x.settled + x.outstanding <= x.most AND x.slice >= hour / x.slice_hours AS fits
	)
	SELECT array_agg(w.id), bool_and(w.fits) INTO ids, has_room FROM written w;
	IF ids IS NULL THEN RETURN true; END IF;
	IF NOT has_room OR cost IS NULL OR cost < 0 THEN
		-- A slice has begun, or one refuses: the first by its id.
		PERFORM turn_budgets(tenant, ids, hour);
		FOR b IN
			SELECT x.id, x.subject, x.unit, x.period, x.most, x.allows_unknown_price, x.settled, x.outstanding, x.slices, x.slice, x.slice_hours,
				given[x.unit_number] AS own
			FROM budgets x WHERE x.tenant_id = tenant AND x.id = ANY (ids) ORDER BY x.id
		LOOP
			IF b.unit = 'COST_MICROS' AND NOT b.allows_unknown_price AND (cost IS NULL OR cost < 0) THEN
				RAISE EXCEPTION USING ERRCODE = 'DW004', MESSAGE = 'PRICE_UNKNOWN',
					DETAIL = json_build_object('budget', b.id, 'subject', b.subject, 'unit', b.unit, 'period', b.period, 'most', b.most);
			END IF;
			lacking := b.settled + b.outstanding - b.most;
			CONTINUE WHEN b.own = 0 OR lacking <= 0;
			-- When so much of what is settled will have left the window that it fits, or all of it; null when nothing is.
			size := cardinality(b.slices);
			FOR n IN b.slice - size + 1..b.slice LOOP
				CONTINUE WHEN b.slices[n % size + 1] = 0;
				resets := n + size;
				lacking := lacking - b.slices[n % size + 1];
				EXIT WHEN lacking <= 0;
			END LOOP;
			RAISE EXCEPTION USING ERRCODE = 'DW003', MESSAGE = 'BUDGET_EXCEEDED',
				DETAIL = json_build_object('budget', b.id, 'subject', b.subject, 'unit', b.unit, 'period', b.period, 'most', b.most,
					'left', greatest(0, b.most - b.settled - b.outstanding + b.own), 'needed', b.own,
					'resetsAt', extract(epoch FROM to_timestamp(resets::float8 * b.slice_hours * 3600)) * 1000);
		END LOOP;
	END IF;
	INSERT INTO budget_holds (tenant_id, generation_id, attempt, budget_ids, amounts, is_together) VALUES (tenant, generation, call, ids, given, together);
	RETURN true;
END;
$$;--> statement-breakpoint
-- Settles what the calls of a generation have reserved, all of them or those below `below`: the call `ended` by what it used, where that is known
-- (null: not), every other by all that was reserved, since nobody knows what it used. Gives the budgets whose soft limit was reached by it.
CREATE OR REPLACE FUNCTION settle_budgets(tenant uuid, generation uuid, below int, ended int, used_cost bigint, used_tokens bigint, used_generations int,
	moment timestamptz DEFAULT NULL) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
	hold record;
	held bigint[];
	used bigint[];
	hour int;
	open_ids uuid[];
	done int;
	soft int;
	soft_done int;
	news uuid[];
	reached uuid[] := '{}';
BEGIN
	FOR hold IN
		DELETE FROM budget_holds h WHERE h.tenant_id = tenant AND h.generation_id = generation AND (below IS NULL OR h.attempt < below)
		RETURNING h.attempt, h.budget_ids, h.amounts, h.is_together
	LOOP
		held := hold.amounts;
		IF hold.is_together THEN
			done := (pg_advisory_xact_lock(uuid_hash_extended(tenant, 2)) IS NULL)::int;
		ELSE
			PERFORM FROM budgets x WHERE x.tenant_id = tenant AND x.id = ANY (hold.budget_ids) ORDER BY x.id FOR NO KEY UPDATE;
			IF hold.is_together IS NULL THEN
				held := (SELECT ARRAY[max(a.amount) FILTER (WHERE x.unit_number = 1), max(a.amount) FILTER (WHERE x.unit_number = 2),
					max(a.amount) FILTER (WHERE x.unit_number = 3)]
					FROM unnest(hold.budget_ids, hold.amounts) a(id, amount) JOIN budgets x ON x.tenant_id = tenant AND x.id = a.id);
			END IF;
		END IF;
		used := held;
		IF hold.attempt = ended THEN
			used := ARRAY[coalesce(used_cost, held[1]), coalesce(used_tokens, held[2]), coalesce(used_generations, held[3])];
		END IF;
		hour := floor(date_part('epoch', coalesce(moment, clock_timestamp())) / 3600);
		open_ids := hold.budget_ids;
		soft := 0;
		LOOP
			WITH written AS (
				UPDATE budgets x SET outstanding = greatest(0, x.outstanding - held[x.unit_number]), settled = x.settled + used[x.unit_number],
					slices[x.slice % cardinality(x.slices) + 1] = x.slices[x.slice % cardinality(x.slices) + 1] + used[x.unit_number]
				WHERE x.tenant_id = tenant AND x.id = ANY (open_ids) AND x.slice >= hour / x.slice_hours RETURNING x.soft_at
			)
			SELECT count(*), count(w.soft_at) INTO done, soft_done FROM written w;
			soft := soft + soft_done;
			EXIT WHEN done = cardinality(open_ids);
			-- The rest is in a slice that is over, or deleted.
			open_ids := turn_budgets(tenant, open_ids, hour);
			EXIT WHEN open_ids IS NULL;
		END LOOP;
		IF soft > 0 THEN
			WITH marked AS (
				UPDATE budgets x SET soft_reached_at = CASE WHEN x.settled >= x.soft_at * x.most THEN coalesce(moment, clock_timestamp()) END
				WHERE x.tenant_id = tenant AND x.id = ANY (hold.budget_ids) AND (x.soft_reached_at IS NULL) = (x.settled >= x.soft_at * x.most)
				RETURNING x.id, x.soft_reached_at
			)
			SELECT array_agg(m.id) FILTER (WHERE m.soft_reached_at IS NOT NULL) INTO news FROM marked m;
			reached := reached || news;
		END IF;
	END LOOP;
	RETURN reached;
END;
$$;--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION name_budget, rename_budget, turn_budgets, reserve_budgets FROM PUBLIC;--> statement-breakpoint
GRANT EXECUTE ON FUNCTION turn_budgets, reserve_budgets TO draftwire_app, draftwire_engine;
