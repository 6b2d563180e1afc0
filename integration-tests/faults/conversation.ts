import type { Frame } from './frames.js';

/** A statement as the client sent it. */
export interface SentStatement {
  /** The name that it is prepared under; empty if it has none. */
  readonly name: string;
  readonly text: string;
  /** Its parameters as they were on the wire: the same for the same values. */
  readonly values: string;
}

/** The server's whole answer to one statement. */
export interface Reply {
  readonly statement: SentStatement;
  /** What the server says that it did, as in `INSERT 0 1`; empty after an error. */
  readonly tag: string;
  /** It succeeded, and what it did is committed: no transaction is open after it. */
  readonly isCommitted: boolean;
  /** What it says to be committed: the statement, or with a COMMIT those of its transaction. */
  readonly committed: readonly SentStatement[];
}

/** Knows of one connection which statement an answer belongs to. */
export class Conversation {
  readonly #texts = new Map<string, string>();
  readonly #unanswered: SentStatement[] = [];
  #current: SentStatement = { name: '', text: '', values: '' };
  #tag = '';
  #hasFailed = false;
  #inTransaction: SentStatement[] = [];

  /** Whether the server still owes an answer. */
  get isWaiting(): boolean {
    return this.#unanswered.length > 0;
  }

  clientSaid({ type, bytes }: Frame): void {
    const body = bytes.subarray(5);
    if (type === 'Q') {
      this.#unanswered.push({ name: '', text: textsIn(body, 1)[0]!, values: '' });
    } else if (type === 'P') {
      const [name, text] = textsIn(body, 2) as [string, string];
      this.#texts.set(name, text);
      this.#current = { name, text, values: '' };
    } else if (type === 'B') {
      const [portal, name] = textsIn(body, 2) as [string, string];
      const values = body.toString('latin1', Buffer.byteLength(portal) + Buffer.byteLength(name) + 2);
      this.#current = { name, text: this.#texts.get(name) ?? '', values };
    } else if (type === 'S') {
      this.#unanswered.push(this.#current);
    }
  }

  /**
   * Answers with the reply that this message completes. That is ReadyForQuery: CommandComplete may come before the commit.
   */
  serverSaid({ type, bytes }: Frame): Reply | null {
    if (type === 'C') this.#tag = textsIn(bytes.subarray(5), 1)[0]!;
    if (type === 'E') this.#hasFailed = true;
    if (type !== 'Z') return null;
    const statement = this.#unanswered.shift();
    if (statement === undefined) return null;
    const isIdle = bytes.toString('latin1', 5) === 'I';
    const tag = this.#hasFailed ? '' : this.#tag;
    const isCommitted = isIdle && !this.#hasFailed;
    const together = [...this.#inTransaction, statement];
    this.#inTransaction = isIdle ? [] : together;
    this.#tag = '';
    this.#hasFailed = false;
    return { statement, tag, isCommitted, committed: isCommitted && tag !== 'ROLLBACK' ? together : [] };
  }
}

/** The first texts of a message, each of which ends with a zero byte. */
function textsIn(body: Buffer, count: number): string[] {
  return body.toString('utf8').split('\0', count);
}
