ALTER TABLE "generations" ADD COLUMN "guards" jsonb;--> statement-breakpoint
ALTER TABLE "template_versions" ADD COLUMN "guards" jsonb DEFAULT '{"masking": false, "checks": {}}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "tenants" ADD COLUMN "masks_personal_data" boolean DEFAULT false NOT NULL;