import { AppError } from '../kernel/errors.ts';
import type { Provider, ProviderModel } from '../providers/port.ts';
import { planOf, type RoutePlan } from './plan.ts';

/** A model that can be chosen. */
export interface ModelChoice {
  /** `<provider>/<name>`. */
  readonly id: string;
  readonly provider: Provider;
  readonly model: ProviderModel;
}

/** The route that is used when a caller does not choose. */
export const autoRoute = 'auto';

/** The models of all providers of this process, and what a request for one means. */
export class Models {
  readonly choices: readonly ModelChoice[];

  constructor(
    readonly providers: readonly Provider[],
    /** A model id; null: the first model of each provider that has a key, else the offline one. */
    private readonly defaultModel: string | null,
  ) {
    this.choices = providers.flatMap((provider) =>
      provider.models.map((model) => ({ id: `${provider.id}/${model.name}`, provider, model })),
    );
    if (defaultModel !== null && !this.find(defaultModel)) throw new Error(`DEFAULT_MODEL: there is no model ${defaultModel}`);
  }

  /** The ids of all models that are listed, and of those that `auto` begins with where their provider lists none. */
  get known(): string[] {
    return [...new Set([...this.choices.map(({ id }) => id), ...this.plan(autoRoute).models])];
  }

  /** What a request may be written by; throws INVALID_INPUT for a model or route that is unknown. */
  plan(requested: string): RoutePlan {
    if (requested !== autoRoute) {
      if (this.find(requested)) return planOf([requested]);
      const known = [autoRoute, ...this.choices.slice(0, 20).map(({ id }) => id)].join(', ');
      throw new AppError('INVALID_INPUT', `there is no model or route with this name; known: ${known}`, {
        path: ['input', 'model'],
      });
    }
    const vendors = this.providers.filter(({ id }) => id !== 'offline');
    const firsts = (vendors.length > 0 ? vendors : this.providers).flatMap((provider) => {
      const [model] = provider.models;
      return model ? [`${provider.id}/${model.name}`] : [];
    });
    return planOf(
      this.defaultModel === null
        ? firsts
        : [this.defaultModel, ...firsts.filter((id) => id !== this.defaultModel && vendors.length > 0)],
    );
  }

  /** The provider and its own name for a model id; null when there is none. */
  find(id: string): { provider: Provider; name: string } | null {
    const slash = id.indexOf('/');
    const provider = this.providers.find((candidate) => candidate.id === id.slice(0, slash));
    const name = id.slice(slash + 1);
    if (!provider || name === '' || name.length > 200) return null;
    return provider.acceptsUnknownModels || provider.models.some((model) => model.name === name) ? { provider, name } : null;
  }
}
