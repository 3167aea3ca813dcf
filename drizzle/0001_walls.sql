-- The second wall binds the owner of the tables too.
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE members FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE api_keys FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE templates FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE template_versions FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE generations FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE attempts FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE chunks FORCE ROW LEVEL SECURITY;--> statement-breakpoint
-- What the app does for one tenant at a time.
GRANT SELECT, INSERT, UPDATE ON tenants, members, api_keys TO draftwire_app;--> statement-breakpoint
GRANT SELECT ON templates, template_versions, chunks TO draftwire_app;--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys, generations, attempts TO draftwire_app;--> statement-breakpoint
-- What the engine does across tenants: key lookup, library at boot, writing, take-over, cleaning up.
GRANT SELECT ON tenants, api_keys TO draftwire_engine;--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE ON templates, template_versions, attempts TO draftwire_engine;--> statement-breakpoint
GRANT SELECT, UPDATE, DELETE ON generations TO draftwire_engine;--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON chunks TO draftwire_engine;--> statement-breakpoint
GRANT SELECT, DELETE ON idempotency_keys TO draftwire_engine;
