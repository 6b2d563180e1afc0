/** Shows how far the work is: one line that changes on a terminal, else a line for every 10 %. */
export class Progress {
  readonly #total: number;
  #shownTenths = 0;

  constructor(total: number) {
    this.#total = total;
  }

  show(done: number): void {
    const share = done / this.#total;
    const bar = '█'.repeat(Math.round(share * 30)).padEnd(30, '░');
    const line = `  ${bar} ${String(Math.floor(share * 100)).padStart(3)} %  ${done} of ${this.#total} documents`;
    if (process.stdout.isTTY) {
      process.stdout.write(`\r${line}`);
      return;
    }
    const tenths = Math.floor(share * 10);
    if (tenths > this.#shownTenths) console.log(line);
    this.#shownTenths = tenths;
  }

  /** What is printed next begins on a line of its own. */
  end(): void {
    if (process.stdout.isTTY) process.stdout.write('\n');
  }
}
