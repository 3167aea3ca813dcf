-- Counts requests of one member and takes what they may cost, as the general statement of `src/limits/take.ts` does for any number of members and
-- keys, and in the order of its locks: nearly every request is counted like this, and a function with its plans takes half the time.
-- What nobody has made yet is null. `mark` is left in the session when all was granted that was asked for; null leaves nothing.
CREATE FUNCTION take_request(tenant uuid, member uuid, asked int, member_most int, tenant_most int, window_seconds int, mark text,
	has_cost boolean, cost int, least_cost int, maximum int, restore_rate float8, settled_actual float8,
	last_epoch int, last_reserved int, before_epoch int, before_reserved int, epoch_seconds int,
	OUT granted int, OUT member_left int, OUT member_reset int, OUT tenant_left int, OUT tenant_reset int,
	OUT cost_granted int, OUT cost_left int, OUT cost_epoch int)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	over CONSTANT timestamptz := now() - window_seconds * interval '1 second';
	bucket record;
	member_used int;
	member_since timestamptz;
	tenant_used int;
	tenant_since timestamptz;
	spent_now float8;
	reserved_now int;
	reserved_earlier int;
	room float8;
BEGIN
	PERFORM set_config('synchronous_commit', 'off', true);
	FOR bucket IN
		SELECT b.kind, b.used, b.window_started_at FROM rate_buckets b
		WHERE b.tenant_id = tenant AND b.subject IN (member, tenant) AND b.kind IN ('requests', 'tenant')
		ORDER BY b.subject, b.kind FOR UPDATE
	LOOP
		IF bucket.window_started_at <= over THEN
			bucket.used := 0;
			bucket.window_started_at := now();
		END IF;
		IF bucket.kind = 'tenant' THEN
			tenant_used := bucket.used;
			tenant_since := bucket.window_started_at;
		ELSE
			member_used := bucket.used;
			member_since := bucket.window_started_at;
		END IF;
	END LOOP;
	IF member_used IS NOT NULL THEN
		granted := greatest(0, least(asked, member_most - member_used, coalesce(tenant_most - tenant_used, 0)));
		member_left := greatest(0, member_most - member_used - granted);
		member_reset := ceil(extract(epoch FROM member_since - now()) * 1000)::int + window_seconds * 1000;
	END IF;
	IF tenant_used IS NOT NULL THEN
		tenant_left := greatest(0, tenant_most - tenant_used - coalesce(granted, 0));
		tenant_reset := ceil(extract(epoch FROM tenant_since - now()) * 1000)::int + window_seconds * 1000;
	END IF;
	IF granted > 0 THEN
		UPDATE rate_buckets b SET used = CASE b.kind WHEN 'tenant' THEN tenant_used ELSE member_used END + granted,
			window_started_at = CASE b.kind WHEN 'tenant' THEN tenant_since ELSE member_since END
		WHERE b.tenant_id = tenant AND b.subject IN (member, tenant) AND b.kind IN ('requests', 'tenant');
	END IF;
	IF has_cost THEN
		SELECT b.spent, b.spent_at, b.epoch, b.reserved, b.reserved_before INTO bucket
		FROM cost_buckets b WHERE b.tenant_id = tenant FOR UPDATE;
		IF FOUND THEN
			cost_epoch := floor(extract(epoch FROM now()) / epoch_seconds)::int;
			spent_now := greatest(0, bucket.spent - restore_rate * greatest(0, extract(epoch FROM now() - bucket.spent_at)::float8)) + settled_actual;
			reserved_now := greatest(0, CASE bucket.epoch WHEN cost_epoch THEN bucket.reserved ELSE 0 END
				- CASE cost_epoch WHEN last_epoch THEN last_reserved WHEN before_epoch THEN before_reserved ELSE 0 END);
			reserved_earlier := greatest(0,
				CASE bucket.epoch WHEN cost_epoch THEN bucket.reserved_before WHEN cost_epoch - 1 THEN bucket.reserved ELSE 0 END
				- CASE cost_epoch - 1 WHEN last_epoch THEN last_reserved WHEN before_epoch THEN before_reserved ELSE 0 END);
			room := floor(maximum - spent_now - reserved_now - reserved_earlier + 1e-6);
			cost_granted := CASE WHEN room >= least_cost THEN greatest(0, least(cost, room))::int ELSE 0 END;
			reserved_now := reserved_now + cost_granted;
			cost_left := greatest(0, maximum - spent_now - reserved_now - reserved_earlier)::int;
			UPDATE cost_buckets b SET spent = spent_now, spent_at = greatest(b.spent_at, now()), epoch = cost_epoch,
				reserved = reserved_now, reserved_before = reserved_earlier, granted = cost_granted
			WHERE b.tenant_id = tenant;
		END IF;
	END IF;
	IF mark IS NOT NULL THEN
		PERFORM set_config('draftwire.taken', CASE WHEN granted = asked AND (NOT has_cost OR cost_granted = cost) THEN mark ELSE '' END, false);
	END IF;
END;
$$;--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION take_request FROM PUBLIC;--> statement-breakpoint
GRANT EXECUTE ON FUNCTION take_request TO draftwire_app;--> statement-breakpoint
-- As before, with one count in place of two where there is room for more than can be started at once, which is nearly always.
CREATE OR REPLACE FUNCTION check_room_for_generation(tenant uuid, member uuid, key uuid, tenant_most int, member_most int, key_most int) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	unseen CONSTANT int := current_setting('max_connections')::int;
	names CONSTANT text[] := ARRAY['GENERATIONS_PER_TENANT', 'GENERATIONS_PER_MEMBER', 'GENERATIONS_PER_KEY'];
	subjects CONSTANT uuid[] := ARRAY[tenant, member, key];
	most CONSTANT int[] := ARRAY[tenant_most, member_most, key_most];
	held int[] := ARRAY[0, 0, 0];
	is_near boolean[] := ARRAY[true, true, true];
BEGIN
	IF least(coalesce(nullif(tenant_most, 0), 2147483647), coalesce(nullif(member_most, 0), 2147483647),
		coalesce(nullif(key_most, 0), 2147483647)) > 3 * unseen THEN
		-- Shared locks, then a look that sees what was committed before it. All of a tenant's are no fewer than a member's or a key's.
		BEGIN
			IF tenant_most > 0 THEN PERFORM pg_advisory_xact_lock_shared(hashtextextended(tenant::text, 1)); END IF;
			IF member_most > 0 THEN PERFORM pg_advisory_xact_lock_shared(hashtextextended(member::text, 1)); END IF;
			IF key_most > 0 THEN PERFORM pg_advisory_xact_lock_shared(hashtextextended(key::text, 1)); END IF;
			IF (SELECT count(*) FROM generations g WHERE g.tenant_id = tenant AND g.finished_at IS NULL) + unseen
				<= least(coalesce(nullif(tenant_most, 0), 2147483647), coalesce(nullif(member_most, 0), 2147483647),
					coalesce(nullif(key_most, 0), 2147483647)) THEN
				RETURN true;
			END IF;
			-- Gives the locks back: they are taken anew, in their order, as the counts ask for.
			RAISE EXCEPTION USING ERRCODE = 'DW002';
		EXCEPTION WHEN SQLSTATE 'DW002' THEN NULL;
		END;
	END IF;
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
$$;
