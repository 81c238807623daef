/**
 * Values by key, the ones used longest ago forgotten when together they are too large. Requests for the
 * same key share one promise.
 */
export class Cache<T> {
  private readonly kept = new Map<string, { value: T; size: number }>();
  private readonly pending = new Map<string, Promise<T>>();
  private total = 0;
  private readonly limit: number;
  private readonly sizeOf: (value: T) => number;

  constructor(limit: number, sizeOf: (value: T) => number) {
    this.limit = limit;
    this.sizeOf = sizeOf;
  }

  /** What is there now, without asking for it. */
  peek(key: string): T | undefined {
    return this.kept.get(key)?.value;
  }

  /** The value, loaded if it is not there. A failure is not kept. */
  get(key: string, load: () => Promise<T>): Promise<T> {
    const entry = this.kept.get(key);
    if (entry) {
      this.kept.delete(key);
      this.kept.set(key, entry);
      return Promise.resolve(entry.value);
    }
    const running = this.pending.get(key);
    if (running) return running;
    const promise = load()
      .then((value) => {
        this.put(key, value);
        return value;
      })
      .finally(() => this.pending.delete(key));
    this.pending.set(key, promise);
    return promise;
  }

  private put(key: string, value: T): void {
    const size = this.sizeOf(value);
    this.kept.set(key, { value, size });
    this.total += size;
    for (const [oldest, entry] of this.kept) {
      if (this.total <= this.limit || oldest === key) return;
      this.kept.delete(oldest);
      this.total -= entry.size;
    }
  }
}
