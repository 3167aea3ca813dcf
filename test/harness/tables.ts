/** Tables that belong to no tenant: everyone reads the library, what is set of models and which processes live, nobody but the engine writes them. */
export const sharedTables = ['model_settings', 'processes', 'template_versions', 'templates'];

/** Of no tenant either, and the engine's alone: how models do, and who makes how many calls. */
export const engineTables = ['held_places', 'model_health'];
