DROP INDEX "generations_tenant_id_member_id";--> statement-breakpoint
DROP INDEX "idempotency_keys_tenant_id_thing_id";--> statement-breakpoint
DROP INDEX "generations_retention";--> statement-breakpoint
CREATE INDEX "generations_member_id" ON "generations" USING btree ("member_id","tenant_id");--> statement-breakpoint
CREATE INDEX "idempotency_keys_thing_id" ON "idempotency_keys" USING btree ("thing_id","tenant_id");--> statement-breakpoint
CREATE INDEX "generations_retention" ON "generations" USING btree ("tenant_id","finished_at") WHERE finished_at is not null;