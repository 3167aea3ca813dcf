import {
  execute,
  OperationTypeNode,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLSchema,
} from 'graphql';
import { compileQuery, isCompiledQuery, type CompiledQuery } from 'graphql-jit';
import { LRUCache } from 'lru-cache';
import type { OperationContext } from './context.ts';
import { WrittenQuery } from './written.ts';

/** A document is worth a compilation (milliseconds) when it was asked this often. */
const oftenEnough = 20;
/** Compiled documents that are kept. */
const mostCompiled = 200;

type Run = CompiledQuery['query'];

interface Candidate {
  asked: number;
  /** Null until it is compiled, and for good when it cannot be. */
  run: Run | null;
  /** The same for those who want their answer written. */
  written: WrittenQuery | null;
}

/**
 * Executes operations, and each result of a subscription: graphql-js, or code made of a document that is asked often. What a client gets is the same to the byte: a compiled
 * query that meets an error is left to graphql-js, whose errors are the ones that everybody knows.
 */
export class Executor {
  private readonly candidates = new LRUCache<DocumentNode, Candidate>({ max: mostCompiled });
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly schema: GraphQLSchema) {}

  execute(args: ExecutionArgs, operationType: string): ExecutionResult | Promise<ExecutionResult> {
    // Only what may run twice: queries, and the results of subscriptions.
    const candidate = operationType === OperationTypeNode.MUTATION ? null : this.candidateOf(args);
    const slowly = () => execute({ ...args, hideSuggestions: true });
    const { written = null, run = null } = candidate ?? {};
    const { values = null } = (args.contextValue ?? {}) as Partial<OperationContext>;
    if (candidate && written && values) {
      return written.execute(args, values).catch(async () => {
        const answer = await slowly();
        // The query is fine, it just cannot be written like this: not tried again.
        if (!answer.errors) candidate.written = null;
        return answer;
      });
    }
    if (!run) return slowly();
    const result = run(args.rootValue, args.contextValue, args.variableValues);
    if (result instanceof Promise) return result.then((answer: ExecutionResult) => (answer.errors ? slowly() : answer));
    return result.errors ? slowly() : result;
  }

  private candidateOf({ document, operationName }: ExecutionArgs): Candidate {
    let candidate = this.candidates.get(document);
    if (!candidate) {
      candidate = { asked: 0, run: null, written: null };
      this.candidates.set(document, candidate);
    }
    if (candidate.asked < oftenEnough && ++candidate.asked === oftenEnough && !hasOtherOperations(document)) {
      this.later(candidate, document, operationName ?? undefined);
    }
    return candidate;
  }

  /** Compiles when the request at hand is answered, one document at a time. */
  private later(candidate: Candidate, document: DocumentNode, operationName: string | undefined): void {
    this.waiting.push(() => {
      candidate.run = compile(this.schema, document, operationName);
      candidate.written = WrittenQuery.of(this.schema, document);
    });
    if (this.waiting.length === 1) setImmediate(() => this.compileNext());
  }

  private compileNext(): void {
    this.waiting[0]?.();
    this.waiting.shift();
    if (this.waiting.length > 0) setImmediate(() => this.compileNext());
  }
}

function compile(schema: GraphQLSchema, document: DocumentNode, operationName: string | undefined): Run | null {
  try {
    const compiled = compileQuery(schema, document, operationName);
    return isCompiledQuery(compiled) ? (root, context, variables) => compiled.query(root, context, variables) : null;
  } catch {
    // What it cannot compile graphql-js executes.
    return null;
  }
}

function hasOtherOperations({ definitions }: DocumentNode): boolean {
  return definitions.filter(({ kind }) => kind === 'OperationDefinition').length > 1;
}
