-- Fails with DW005 what a tenant with budgets was to start without a reservation: whoever sent it knew of none, and sends it once more with one.
CREATE FUNCTION budgets_unforeseen() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION USING ERRCODE = 'DW005', MESSAGE = 'BUDGETS_UNFORESEEN';
END;
$$;--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION budgets_unforeseen FROM PUBLIC;--> statement-breakpoint
GRANT EXECUTE ON FUNCTION budgets_unforeseen TO draftwire_app;
