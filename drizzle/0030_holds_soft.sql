ALTER TABLE "budget_holds" ADD COLUMN "is_soft" boolean;--> statement-breakpoint
-- As before, in fewer statements: what is reserved is stored by the statement that reserves it, whether it fits or is undone by what follows. `is_soft` is null until
-- it is known to fit.
CREATE OR REPLACE FUNCTION reserve_budgets(tenant uuid, generation uuid, call int, team_name text, own_key uuid, own_member uuid,
	cost bigint, tokens bigint, generations int, moment timestamptz DEFAULT NULL, together boolean DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
	targets text[] := ARRAY['TENANT:', 'TEAM:' || team_name, 'KEY:' || own_key, 'MEMBER:' || own_member];
	given bigint[] := ARRAY[CASE WHEN cost < 0 THEN -1 - cost ELSE coalesce(cost, 0) END, tokens, generations];
	hour int;
	ids uuid[];
	soft boolean;
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
		soft := pg_advisory_xact_lock(uuid_hash_extended(tenant, 2)) IS NULL;
	ELSE
		PERFORM FROM budgets x WHERE x.tenant_id = tenant AND x.target = ANY (targets) ORDER BY x.id FOR NO KEY UPDATE;
	END IF;
	hour := floor(date_part('epoch', coalesce(moment, clock_timestamp())) / 3600);
	WITH written AS (
		UPDATE budgets x SET outstanding = x.outstanding + given[x.unit_number]
		WHERE x.tenant_id = tenant AND x.target = ANY (targets)
		RETURNING x.id, x.soft_at, x.settled + x.outstanding <= x.most AND x.slice >= hour / x.slice_hours AS fits
	)
	INSERT INTO budget_holds AS h (tenant_id, generation_id, attempt, budget_ids, amounts, is_together, is_soft)
	SELECT tenant, generation, call, array_agg(w.id), given, together, CASE WHEN bool_and(w.fits) THEN bool_or(w.soft_at IS NOT NULL) END
	FROM written w HAVING count(*) > 0
	RETURNING h.budget_ids, h.is_soft INTO ids, soft;
	IF ids IS NULL THEN RETURN true; END IF;
	IF soft IS NULL OR cost IS NULL OR cost < 0 THEN
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
	RETURN true;
END;
$$;--> statement-breakpoint
-- As before, in fewer statements: the call that ended is found by its key, and most have no other; soft limits are looked at where there were any when it was
-- reserved (`budgetSet` marks what is reserved when it sets one), or nobody knows.
CREATE OR REPLACE FUNCTION settle_budgets(tenant uuid, generation uuid, below int, ended int, used_cost bigint, used_tokens bigint, used_generations int,
	moment timestamptz DEFAULT NULL) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
	call int;
	ids uuid[];
	held bigint[];
	together boolean;
	soft boolean;
	is_last boolean;
	used bigint[];
	hour int;
	done int;
	open_ids uuid[];
	news uuid[];
	reached uuid[] := '{}';
BEGIN
	DELETE FROM budget_holds h
	WHERE h.tenant_id = tenant AND h.generation_id = generation AND h.attempt = ended AND (below IS NULL OR h.attempt < below)
	RETURNING h.attempt, h.budget_ids, h.amounts, h.is_together, h.is_soft, NOT EXISTS (SELECT FROM budget_holds o
		WHERE o.tenant_id = tenant AND o.generation_id = generation AND o.attempt <> ended AND (below IS NULL OR o.attempt < below))
	INTO call, ids, held, together, soft, is_last;
	LOOP
		IF is_last IS NULL THEN
			DELETE FROM budget_holds h WHERE h.tenant_id = tenant AND h.generation_id = generation AND h.attempt = (SELECT min(o.attempt) FROM budget_holds o
				WHERE o.tenant_id = tenant AND o.generation_id = generation AND (below IS NULL OR o.attempt < below))
			RETURNING h.attempt, h.budget_ids, h.amounts, h.is_together, h.is_soft INTO call, ids, held, together, soft;
			IF NOT FOUND THEN
				-- Another has settled that one meanwhile: there may be more.
				CONTINUE WHEN EXISTS (SELECT FROM budget_holds o
					WHERE o.tenant_id = tenant AND o.generation_id = generation AND (below IS NULL OR o.attempt < below));
				EXIT;
			END IF;
		END IF;
		IF together THEN
			done := (pg_advisory_xact_lock(uuid_hash_extended(tenant, 2)) IS NULL)::int;
		ELSE
			PERFORM FROM budgets x WHERE x.tenant_id = tenant AND x.id = ANY (ids) ORDER BY x.id FOR NO KEY UPDATE;
			IF together IS NULL THEN
				held := (SELECT ARRAY[max(a.amount) FILTER (WHERE x.unit_number = 1), max(a.amount) FILTER (WHERE x.unit_number = 2),
					max(a.amount) FILTER (WHERE x.unit_number = 3)]
					FROM unnest(ids, held) a(id, amount) JOIN budgets x ON x.tenant_id = tenant AND x.id = a.id);
			END IF;
		END IF;
		used := CASE WHEN call = ended THEN ARRAY[coalesce(used_cost, held[1]), coalesce(used_tokens, held[2]), coalesce(used_generations, held[3])] ELSE held END;
		hour := floor(date_part('epoch', coalesce(moment, clock_timestamp())) / 3600);
		open_ids := ids;
		LOOP
			UPDATE budgets x SET outstanding = greatest(0, x.outstanding - held[x.unit_number]), settled = x.settled + used[x.unit_number],
				slices[x.slice % cardinality(x.slices) + 1] = x.slices[x.slice % cardinality(x.slices) + 1] + used[x.unit_number]
			WHERE x.tenant_id = tenant AND x.id = ANY (open_ids) AND x.slice >= hour / x.slice_hours;
			GET DIAGNOSTICS done = ROW_COUNT;
			EXIT WHEN done = cardinality(open_ids);
			-- The rest is in a slice that is over, or deleted.
			open_ids := turn_budgets(tenant, open_ids, hour);
			EXIT WHEN open_ids IS NULL;
		END LOOP;
		IF soft IS NOT FALSE THEN
			WITH marked AS (
				UPDATE budgets x SET soft_reached_at = CASE WHEN x.settled >= x.soft_at * x.most THEN coalesce(moment, clock_timestamp()) END
				WHERE x.tenant_id = tenant AND x.id = ANY (ids) AND (x.soft_reached_at IS NULL) = (x.settled >= x.soft_at * x.most)
				RETURNING x.id, x.soft_reached_at
			)
			SELECT array_agg(m.id) FILTER (WHERE m.soft_reached_at IS NOT NULL) INTO news FROM marked m;
			reached := reached || news;
		END IF;
		EXIT WHEN is_last;
		is_last := NULL;
	END LOOP;
	RETURN reached;
END;
$$;
