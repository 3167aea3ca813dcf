import { systemClock, type Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { nothingUsed, ProviderError, type Provider, type ProviderModel } from '../providers/port.ts';
import type { Facts } from './facts.ts';
import { noSetting, priceOfLines, type ModelSetting } from './model-setting.ts';
import { planOf, type RoutePlan } from './plan.ts';
import { freePrice, type Price } from './price.ts';

/** A model that can be chosen. */
export interface ModelChoice {
  /** `<provider>/<name>`. */
  readonly id: string;
  readonly provider: Provider;
  /** As it is built in, and as an operator says. */
  readonly model: ProviderModel;
}

/** The route that is used when a caller does not choose. */
export const autoRoute = 'auto';

/** Finds the price of the model of this name at the vendor that is reached at `endpoint`. */
export type ListedPrice = (endpoint: string, name: string, at: Date) => Price | null;

/** What a generation asks of its model beside its words. */
type Needs = Pick<Facts, 'isStructured'>;

/** What the catalogue knows of models beside what their providers say. */
interface Knowledge {
  readonly clock?: Clock;
  /** The list of prices; when absent only operators say prices. */
  readonly listedPrice?: ListedPrice | undefined;
}

/** Says that a model cannot be called from here, whoever offers it. */
export function noSuchModel(id: string): ProviderError {
  return new ProviderError('MODEL_NOT_FOUND', `this process has no model ${id}`, { retryable: false, usage: nothingUsed });
}

/** The models of all providers of this process, and what a request for one means. */
export class Models {
  private settings: ReadonlyMap<string, ModelSetting> = new Map();
  private offered: readonly ModelChoice[];

  constructor(
    readonly providers: readonly Provider[],
    /** A model id; null: the first model of each provider that has a key, else the offline one. */
    private readonly defaultModel: string | null,
    private readonly knowledge: Knowledge = {},
  ) {
    this.offered = this.choicesNow();
    if (defaultModel !== null && !this.find(defaultModel)) throw new Error(`DEFAULT_MODEL: there is no model ${defaultModel}`);
  }

  /** All that are offered, by provider; retired ones too. */
  get choices(): readonly ModelChoice[] {
    return this.offered;
  }

  /** Takes these settings in place of all earlier ones. */
  configure(settings: readonly (ModelSetting & { readonly id: string })[]): void {
    this.settings = new Map(settings.map(({ id, ...setting }) => [id, setting]));
    this.offered = this.choicesNow();
  }

  /** The ids of the catalogue: all models that are listed, and those that `auto` begins with, even where their provider lists none. */
  get known(): string[] {
    return [...new Set([...this.choices.map(({ id }) => id), ...this.plan(autoRoute).models])];
  }

  /** The plan for a model or for the installation's `auto`; throws INVALID_INPUT for anything else. It does not leave out retired models: `fitting` does. */
  plan(requested: string, at?: Date): RoutePlan {
    if (requested !== autoRoute) {
      if (this.find(requested)) return planOf([requested]);
      throw new AppError(
        'INVALID_INPUT',
        `there is no model or route with this name; known: ${[autoRoute, ...this.left({ isStructured: false })].join(', ')}`,
        {
          path: ['input', 'model'],
        },
      );
    }
    const vendors = this.providers.filter(({ id }) => id !== 'offline');
    const firsts = (vendors.length > 0 ? vendors : this.providers).flatMap((provider) => {
      const own = this.offered.filter((choice) => choice.provider === provider);
      const first = own.find(({ id }) => this.retiredAt(id, at) === null) ?? own[0];
      return first ? [first.id] : [];
    });
    return planOf(
      this.defaultModel === null
        ? firsts
        : [this.defaultModel, ...firsts.filter((id) => id !== this.defaultModel && vendors.length > 0)],
    );
  }

  /** The models among `ids` that can write a generation of these facts. Throws INVALID_INPUT when none can: its message says why the first one cannot, and which others there are. */
  fitting(ids: readonly string[], facts: Needs, at?: Date): readonly string[] {
    const standing = ids.filter((id) => this.misfit(id, facts, at) === null);
    const [first] = ids;
    const misfit = first === undefined ? null : this.misfit(first, facts, at);
    if (standing.length > 0 || misfit === null) return standing;
    const left = this.left(facts);
    throw new AppError('INVALID_INPUT', `${misfit}; ${left.length === 0 ? 'none is left' : `left are: ${left.join(', ')}`}`, {
      path: ['input', 'model'],
    });
  }

  /** Why a model cannot write a generation of these facts, now or at another moment; null when it can, as far as that is known. */
  misfit(id: string, { isStructured }: Needs, at?: Date): string | null {
    const retiredAt = this.retiredAt(id, at);
    if (retiredAt) return `the model ${id} was retired on ${retiredAt.toISOString().slice(0, 10)}`;
    const said = this.settings.get(id)?.hasStructuredOutput ?? this.builtIn(id)?.hasStructuredOutput ?? null;
    // A template's own draft fits its schema by itself.
    if (!isStructured || said !== false || this.find(id)?.provider.ignoresMessages) return null;
    return `the model ${id} cannot be held to a JSON Schema, which the template asks for`;
  }

  /** When a model was retired; null while it is not. */
  retiredAt(id: string, at = this.now()): Date | null {
    const retiresAt = this.settings.get(id)?.retiresAt ?? this.builtIn(id)?.retiresAt ?? null;
    return retiresAt && retiresAt <= at ? retiresAt : null;
  }

  /** How many tokens a model can write; null when nobody says. */
  mostOutputTokens(id: string): number | null {
    return this.settings.get(id)?.maxOutputTokens ?? this.builtIn(id)?.maxOutputTokens ?? null;
  }

  /** The price of a model, now or at another moment; null when we do not know it, which is not zero. */
  priceOf(id: string, at = this.now()): Price | null {
    const found = this.find(id);
    if (!found) return null;
    const { provider, name } = found;
    const lines = this.settings.get(id)?.prices;
    const own = lines ? priceOfLines(lines, at) : null;
    if (own) return own;
    if (provider.isFree) return freePrice;
    return provider.endpoint === undefined ? null : (this.knowledge.listedPrice?.(provider.endpoint, name, at) ?? null);
  }

  /** The provider and its own name for a model id; null when there is none. */
  find(id: string): { provider: Provider; name: string } | null {
    const slash = id.indexOf('/');
    if (slash === -1) return null;
    const provider = this.providers.find((candidate) => candidate.id === id.slice(0, slash));
    const name = id.slice(slash + 1);
    if (!provider || name.length > longestName || !namePattern.test(name)) return null;
    return provider.acceptsUnknownModels || provider.models.some((model) => model.name === name) ? { provider, name } : null;
  }

  private now(): Date {
    return (this.knowledge.clock ?? systemClock).now();
  }

  private builtIn(id: string): ProviderModel | null {
    const found = this.find(id);
    return found?.provider.models.find(({ name }) => name === found.name) ?? null;
  }

  /** The first twenty models that can be asked for. */
  private left(facts: Needs): string[] {
    return this.offered.flatMap(({ id }) => (this.misfit(id, facts) === null ? [id] : [])).slice(0, 20);
  }

  private choicesNow(): ModelChoice[] {
    return this.providers.flatMap((provider) => {
      const prefix = `${provider.id}/`;
      const names = new Set(provider.models.map(({ name }) => name));
      const added = [...this.settings.keys()]
        .filter((id) => id.startsWith(prefix) && this.find(id))
        .map((id) => id.slice(prefix.length));
      return [...names, ...added.filter((name) => !names.has(name))].map((name) => {
        const id = `${prefix}${name}`;
        return { id, provider, model: settled(name, this.builtIn(id), this.settings.get(id)) };
      });
    });
  }
}

const longestName = 200;
/** Some vendors take the name as a part of a URL's path: nothing in it may end that path or lead elsewhere. */
const namePattern = /^(?!(?:.*\/)?\.{1,2}(?:\/|$))[^\s\p{C}%#?\\]+$/u;

/** A model as an operator says, and where they say nothing as it is built in. */
function settled(name: string, builtIn: ProviderModel | null, setting: ModelSetting = noSetting): ProviderModel {
  return {
    name,
    contextWindow: setting.contextWindow ?? builtIn?.contextWindow ?? null,
    maxOutputTokens: setting.maxOutputTokens ?? builtIn?.maxOutputTokens ?? null,
    hasStructuredOutput: setting.hasStructuredOutput ?? builtIn?.hasStructuredOutput ?? null,
    retiresAt: setting.retiresAt ?? builtIn?.retiresAt ?? null,
  };
}
