-- As before, but where a price is not known what is known is reserved under the caps that allow that: `cost` is below 0 then, by one and by what the dearest of
-- the models costs whose prices are known. An earlier build says null, and reserves nothing there. The budgets of a key go over to the one that replaces it, and count both.
CREATE OR REPLACE FUNCTION reserve_budgets(tenant uuid, generation uuid, call int, team_name text, own_key uuid, own_member uuid,
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
	next_key CONSTANT uuid := (SELECT k.id FROM api_keys k WHERE k.tenant_id = tenant AND k.replaces_id = own_key);
BEGIN
	FOR b IN
		SELECT x.id, x.subject, x.unit, x.period, x.most, x.soft_at, x.allows_unknown_price, x.settled, x.outstanding, x.slices, x.slice
		FROM budgets x
		WHERE x.tenant_id = tenant
			AND x.target = ANY (ARRAY['TENANT:', 'TEAM:' || team_name, 'KEY:' || own_key, 'MEMBER:' || own_member, 'KEY:' || next_key])
		ORDER BY x.id FOR UPDATE
	LOOP
		own := CASE b.unit WHEN 'TOKENS' THEN tokens WHEN 'GENERATIONS' THEN generations
			ELSE CASE WHEN cost >= 0 THEN cost WHEN b.allows_unknown_price THEN coalesce(-1 - cost, 0) END END;
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
-- As before, but the first call of a generation that copied until now counts as one that was begun: a copy is not counted at its start.
CREATE OR REPLACE FUNCTION reserve_call(tenant uuid, generation uuid, call int, cost bigint, tokens bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	g record;
	begins boolean;
BEGIN
	SELECT x.key_id, x.member_id, CASE jsonb_typeof(x.metadata -> 'team') WHEN 'string' THEN x.metadata ->> 'team' END AS team INTO g
	FROM generations x WHERE x.tenant_id = tenant AND x.id = generation;
	begins := tokens > 0 AND call > 1 AND NOT EXISTS (
		SELECT FROM attempts a WHERE a.tenant_id = tenant AND a.generation_id = generation AND a.number < call AND a.source IS NULL);
	RETURN reserve_budgets(tenant, generation, call, g.team, g.key_id, g.member_id, cost, tokens, begins::int);
END;
$$;
