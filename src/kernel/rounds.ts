/** Work that is done one round at a time, over and over or when it is asked for. A round never rejects. */
export class Rounds {
  private timer: NodeJS.Timeout | null = null;
  private running: Promise<void> | null = null;
  private isAskedAgain = false;

  constructor(private readonly round: () => Promise<void>) {}

  /** Joins or begins a round every so often; or asks for one, where a round that began before the time came is not enough. */
  open(everyMs: number, tick: 'run' | 'ask' = 'run'): void {
    this.timer = setInterval(() => void this[tick](), everyMs);
  }

  /** The round that is under way, or one now. */
  run(): Promise<void> {
    this.running ??= this.round().finally(() => {
      this.running = null;
      if (this.isAskedAgain) this.ask();
    });
    return this.running;
  }

  /** A round that begins from now on: at once, or behind the one that is under way, however often it is asked for. */
  ask(): void {
    this.isAskedAgain = this.running !== null;
    void this.run();
  }

  /** Resolves when what is under way is over; no other follows by itself. */
  async close(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    this.isAskedAgain = false;
    await this.running;
  }
}
