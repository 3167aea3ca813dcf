ALTER TABLE "attempts" ADD COLUMN "input_tokens" integer;--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "output_tokens" integer;--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "cached_input_tokens" integer;--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "cache_write_tokens" integer;--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "cost_micros" bigint;--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "price" jsonb;