-- Whether a process lives, or has not been dead for longer than the grace. Volatile: each call sees what is committed by then, on the clock of
-- the moment, where the statement that calls it may have waited for a lock since it began.
CREATE FUNCTION process_lives(process uuid, grace_ms float8) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	RETURN EXISTS (
		SELECT FROM processes p WHERE p.id = process AND p.lease_until > clock_timestamp() - grace_ms * interval '1 millisecond');
END;
$$;--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION process_lives FROM PUBLIC;--> statement-breakpoint
GRANT EXECUTE ON FUNCTION process_lives TO draftwire_app;--> statement-breakpoint
-- What processes of the build before tenant_limits read, while they are replaced one by one.
CREATE VIEW rate_limits WITH (security_invoker = true) AS
	SELECT tenant_id,
		max(ceiling) FILTER (WHERE name = 'REQUESTS_PER_MEMBER') AS member,
		max(ceiling) FILTER (WHERE name = 'REQUESTS_PER_TENANT') AS tenant,
		max(ceiling) FILTER (WHERE name = 'STARTS_PER_MEMBER') AS starts,
		max(ceiling) FILTER (WHERE name = 'QUERY_COST') AS cost,
		max(ceiling) FILTER (WHERE name = 'QUERY_COST_PER_SECOND') AS cost_per_second
	FROM (
		SELECT tenant_id, name, CASE WHEN own IS NULL OR ceiling = 0 THEN coalesce(own, ceiling) ELSE least(own, ceiling) END AS ceiling
		FROM tenant_limits
	) AS held GROUP BY tenant_id;--> statement-breakpoint
GRANT SELECT ON rate_limits TO draftwire_app;
