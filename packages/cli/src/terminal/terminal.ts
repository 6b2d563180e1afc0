import { createInterface } from 'node:readline';
import { styleText } from 'node:util';
import { Progress } from './progress.js';
import { jsonText } from './json.js';

export type Colour = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'blue' | 'cyan';

/** What is said to a question: a line, the end of the input, or Ctrl-C. */
export type Answer = { readonly line: string } | 'end' | 'interrupt';

/** The parts of `process` that a terminal is made of. */
export interface TerminalStreams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: NodeJS.ProcessEnv;
}

/** Where answers go (stdout), what accompanies them (stderr), and what somebody says to it (stdin). */
export class Terminal {
  readonly #streams: TerminalStreams;

  constructor(streams: TerminalStreams) {
    this.#streams = streams;
  }

  /** How many columns there are; without end where nobody looks at a screen. */
  get width(): number {
    const { stdout, env } = this.#streams;
    const columns = stdout.isTTY ? stdout.columns : Number(env['COLUMNS']);
    return columns > 0 ? columns : Infinity;
  }

  /** The same for prose and drawings, which need some end. */
  get textWidth(): number {
    return Math.min(this.width, 100);
  }

  /** How many columns there are for what accompanies an answer; without end where nobody looks at it. */
  get noteWidth(): number {
    const { stderr } = this.#streams;
    return stderr.isTTY && stderr.columns > 0 ? stderr.columns : Infinity;
  }

  /** Whether somebody could answer a question. */
  get isInteractive(): boolean {
    return this.#streams.stdin.isTTY && this.#streams.stderr.isTTY;
  }

  async ask(question: string): Promise<Answer> {
    const { stdin, stderr } = this.#streams;
    const lines = createInterface({ input: stdin, output: stderr });
    try {
      const answer = await new Promise<Answer>((resolve) => {
        lines.once('SIGINT', () => resolve('interrupt'));
        lines.once('close', () => resolve('end'));
        lines.question(question, (line) => resolve({ line }));
      });
      // The question stands in a line that nobody has ended.
      if (typeof answer === 'string') this.note('');
      return answer;
    } finally {
      lines.close();
    }
  }

  print(...lines: readonly string[]): void {
    this.#streams.stdout.write(lines.map((line) => `${line}\n`).join(''));
  }

  /** What is asked for with `--json`: one document. */
  printJson(value: unknown): void {
    this.print(jsonText(value));
  }

  /** What accompanies an answer, and is no part of it. */
  note(...lines: readonly string[]): void {
    this.#streams.stderr.write(lines.map((line) => `${line}\n`).join(''));
  }

  /** Shows how far something is that takes long, if somebody looks on. */
  progress(what: string, total: number | null = null): Progress {
    const { stderr } = this.#streams;
    return new Progress(stderr.isTTY ? stderr : null, what, total);
  }

  paint(colour: Colour, text: string): string {
    const { stdout, env } = this.#streams;
    const isPlain = !stdout.isTTY || (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
    return isPlain || text === '' ? text : styleText(colour, text, { validateStream: false });
  }
}
