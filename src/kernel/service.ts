/** Who acts where no person does, by the name that the audit log gives them. */
export const services = {
  admin: 'Whoever runs the installation, at its command line.',
  installation: 'Whoever runs the installation, by a mutation in a tenant of theirs.',
  development: 'The server itself, for the tenant and the key that it makes in development.',
  access: 'Takes back what somebody may not have given any more.',
  sweeper: 'Takes over, or ends, letters whose process was lost.',
  retention: 'Deletes letters that are older than their tenant keeps them.',
  sealer: 'Links the entries of the audit log.',
  eraser: 'Clears away what a deleted tenant leaves.',
} as const;

export type ServiceName = keyof typeof services;

/** A service that acts for a tenant. It has no permissions: what it does is written down where it does it. */
export interface ServiceScope {
  readonly tenantId: string;
  readonly service: ServiceName;
}
