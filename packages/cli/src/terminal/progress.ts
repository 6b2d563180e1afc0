import { cut, grouped } from './text.js';

const barWidth = 24;
const intervalMs = 100;

/** One line on a terminal's stderr that says how far something is, and is gone when it is done. */
export class Progress {
  readonly #stream: NodeJS.WriteStream | null; // null = nobody looks on
  readonly #what: string;
  readonly #total: number | null; // null = that is not known
  /** What is done in a moment shows nothing. */
  #drawnAt = Date.now();
  #isDrawn = false;
  #done = 0;

  constructor(stream: NodeJS.WriteStream | null, what: string, total: number | null) {
    this.#stream = stream;
    this.#what = what;
    this.#total = total;
  }

  get done(): number {
    return this.#done;
  }

  to(done: number): void {
    this.#done = done;
    const now = Date.now();
    if (this.#stream === null || now - this.#drawnAt < intervalMs) return;
    this.#drawnAt = now;
    this.#isDrawn = true;
    this.#stream.write(`\r\u001B[2K${cut(this.#line(), (this.#stream.columns || 80) - 1)}`);
  }

  add(count: number): void {
    this.to(this.#done + count);
  }

  end(): void {
    if (this.#isDrawn) this.#stream?.write('\r\u001B[2K');
  }

  #line(): string {
    const done = `${this.#what} ${grouped(this.#done)}`;
    if (this.#total === null || this.#total === 0) return done;
    const part = Math.min(1, this.#done / this.#total);
    const filled = Math.round(part * barWidth);
    const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled);
    return `${bar} ${Math.floor(part * 100)} %  ${done} of ${grouped(this.#total)}`;
  }
}
