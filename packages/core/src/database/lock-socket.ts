import { type Server, type Socket, connect, createServer } from 'node:net';
import { DeadlineError } from '../errors/storage-errors.js';
import { withDeadline } from './deadline.js';

/** Who is at the other end of a lock's socket. */
export interface LockHolder {
  readonly pid: number | null;
  /** A candidate is still finding out whether it may have the lock; one that hung up on the question is about to go. */
  readonly state: 'candidate' | 'holder' | 'leaving';
}

/** How long an answer may take; what is alive but busy counts as a holder. */
const answerTimeoutMs = 3_000;

/**
 * A socket that shows that its process lives: the system closes it with the process, however that ends. It keeps no
 * process alive.
 */
export class LockSocket {
  state: LockHolder['state'] = 'candidate';
  readonly #server: Server;

  static async listen(address: string): Promise<LockSocket> {
    const socket = new LockSocket();
    await new Promise<void>((resolve, reject) => {
      socket.#server.once('error', reject).listen(address, resolve);
    });
    return socket;
  }

  private constructor() {
    this.#server = createServer((client: Socket) => {
      client.on('error', () => {});
      client.unref();
      const answer: LockHolder = { pid: process.pid, state: this.state };
      client.end(JSON.stringify(answer));
    });
    this.#server.unref();
  }

  close(): void {
    this.#server.close();
  }
}

/** Asks whoever listens at `address`; null = nobody does. */
export async function askHolder(address: string): Promise<LockHolder | null> {
  const socket = connect(address);
  let answer = '';
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve).once('error', reject);
    });
    const answered = new Promise<void>((resolve, reject) => {
      socket.on('data', (chunk) => (answer += chunk.toString()));
      socket.once('end', resolve).once('error', reject);
    });
    await withDeadline(answered, answerTimeoutMs, () => {});
    return JSON.parse(answer) as LockHolder;
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (code === 'ECONNREFUSED' || code === 'ENOENT') return null;
    return { pid: null, state: error instanceof DeadlineError ? 'holder' : 'leaving' };
  } finally {
    socket.destroy();
  }
}
