ALTER TABLE "generations" ADD COLUMN "guards" jsonb;--> statement-breakpoint
ALTER TABLE "template_versions" ADD COLUMN "guards" jsonb DEFAULT '{"masking": false, "checks": {}}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "tenants" ADD COLUMN "masks_personal_data" boolean DEFAULT false NOT NULL;--> statement-breakpoint
-- Tenants choose it themselves; the other columns are granted one by one (0015_services).
GRANT INSERT (masks_personal_data), UPDATE (masks_personal_data) ON tenants TO draftwire_app;
