/** What must hold for a benchmark to pass. */
export interface Gate {
  readonly name: string;
  readonly value: number;
  readonly limit: string;
  readonly isMet: boolean;
}

/** What one benchmark found. */
export interface Report {
  readonly benchmark: string;
  readonly rounds: number;
  /** Rows by contestant or figure; printed as a table. */
  readonly table: Readonly<Record<string, Readonly<Record<string, string | number>>>>;
  readonly gates: readonly Gate[];
  /** Things to know about the run: the control, the load of the machine. */
  readonly notes: Readonly<Record<string, unknown>>;
}

export function atLeast(name: string, value: number, least: number): Gate {
  return { name, value, limit: `>= ${least}`, isMet: value >= least };
}

export function atMost(name: string, value: number, most: number): Gate {
  return { name, value, limit: `<= ${most}`, isMet: value <= most };
}

/** Prints the table, then everything as one line of JSON; true when all gates are met. */
export function print(report: Report): boolean {
  console.table(report.table);
  for (const { name, value, limit, isMet } of report.gates)
    console.log(`${isMet ? 'met   ' : 'FAILED'}  ${name}: ${value} (${limit})`);
  console.log(JSON.stringify(report));
  return report.gates.every(({ isMet }) => isMet);
}
