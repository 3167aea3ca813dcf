import { isMap, isNode, isScalar, LineCounter, parseDocument, type Node } from 'yaml';

/** A fault in one file of the library; `line` counts from 1. */
export interface FileProblem {
  readonly file: string;
  readonly line: number;
  readonly reason: string;
}

/** A YAML file and where its parts stand. */
export interface YamlFile {
  /** Null when the file does not parse; `problems` says why. */
  readonly value: unknown;
  readonly problems: readonly FileProblem[];
  /** The line of what is at a path, or of the nearest part around it. */
  lineOf(path: readonly (string | number)[]): number;
}

/** One slip makes a parser stumble over every line that follows. */
const mostProblems = 3;

/** Parses YAML 1.2 (core schema: no custom types, duplicate keys are faults, aliases are bounded). */
export function parseYaml(file: string, source: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const problems = [...document.errors, ...document.warnings].slice(0, mostProblems).map(({ pos, message }) => ({
    file,
    line: lines.linePos(pos[0]).line,
    reason: message,
  }));
  return {
    value: problems.length > 0 ? null : (document.toJS({ maxAliasCount: 100 }) as unknown),
    problems,
    lineOf(path) {
      for (let length = path.length; length > 0; length--) {
        const parent: unknown = document.getIn(path.slice(0, length - 1), true);
        const node = keyIn(parent, path[length - 1]) ?? document.getIn(path.slice(0, length), true);
        if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
      }
      return 1;
    },
  };
}

/** The key of a mapping's entry: the value may begin lines later. */
function keyIn(parent: unknown, name: string | number | undefined): Node | null {
  const key = isMap(parent) ? parent.items.find((pair) => isScalar(pair.key) && pair.key.value === name)?.key : null;
  return isScalar(key) ? key : null;
}
