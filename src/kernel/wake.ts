/** A bell for one sleeper: a ring before the wait is not lost, many rings are one. */
export class Wake {
  private isRung = false;
  private resolve: (() => void) | null = null;

  readonly ring = (): void => {
    this.isRung = true;
    this.resolve?.();
    this.resolve = null;
  };

  /** Resolves at the next ring, at once if one came since the last wait. One sleeper at a time. */
  async wait(): Promise<void> {
    if (!this.isRung) {
      await new Promise<void>((resolve) => {
        this.resolve = resolve;
      });
    }
    this.isRung = false;
  }
}
