import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, realpath, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemRandom } from '../seams/random.js';
import { pause } from './deadline.js';
import { FolderInUseError } from '../errors/storage-errors.js';
import { type LockHolder, LockSocket, askHolder } from './lock-socket.js';

export interface FolderLock {
  release(): Promise<void>;
}

/**
 * Takes a folder for this process: PGlite takes no lock of its own, and two processes on one folder silently lose each
 * other's rows. The lock ends with the process, also by `kill -9`, and the next one gets it at once.
 *
 * @throws {FolderInUseError} if another process has the folder, or this one has it already
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  await mkdir(folder, { recursive: true });
  // One folder may be reached by several paths.
  const realFolder = await realpath(folder);
  return process.platform === 'win32' ? await lockByPipe(realFolder) : await lockBySockets(realFolder);
}

/** Windows: a pipe name has one owner, and is free as soon as that one ends. */
async function lockByPipe(folder: string): Promise<FolderLock> {
  const pipe = `\\\\.\\pipe\\perdure-${createHash('sha256').update(folder.toLowerCase()).digest('hex').slice(0, 32)}`;
  try {
    const socket = await LockSocket.listen(pipe);
    socket.state = 'holder';
    return { release: async () => socket.close() };
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EADDRINUSE') throw error;
    throw new FolderInUseError(folder, (await askHolder(pipe))?.pid ?? null);
  }
}

/**
 * Elsewhere a socket is a file, which stays behind when its process is killed. A file that everybody knows by name could
 * not be taken over safely: between the look at a dead one and its removal, somebody else may have put a live one there.
 * So each process makes a socket of a name of its own in `<folder>/lock`:
 *
 * 1. listen at my socket, 2. ask every other one, 3. if nobody answers and my own is still there, the lock is mine, and
 * 4. I remove the dead ones. Nobody but the holder removes another one's socket.
 *
 * Of two processes the one that listens later sees the other, so they can't both get through. If a holder takes my socket
 * for dead, because it asked just before I listened, then either it is there in step 2, or it has gone since, and I find
 * mine missing in step 3.
 */
async function lockBySockets(folder: string): Promise<FolderLock> {
  const lockFolder = join(folder, 'lock');
  await mkdir(lockFolder, { recursive: true });
  for (;;) {
    const candidate = await Candidate.enter(folder, lockFolder);
    try {
      if (await candidate.wins()) return candidate;
    } catch (error) {
      await candidate.release();
      throw error;
    }
    await candidate.release();
  }
}

/** How long to wait for another candidate's decision, which takes milliseconds unless it is stopped in a debugger. */
const decisionRounds = 500;
const decisionPauseMs = 20;

class Candidate implements FolderLock {
  readonly #folder: string;
  readonly #lockFolder: string;
  readonly #name: string;
  readonly #socket: LockSocket;

  static async enter(folder: string, lockFolder: string): Promise<Candidate> {
    const name = `${process.pid}-${new SystemRandom().uuid().slice(-12)}.sock`;
    const socket = await withShortPath(lockFolder, (path) => LockSocket.listen(join(path, name)));
    return new Candidate(folder, lockFolder, name, socket);
  }

  private constructor(folder: string, lockFolder: string, name: string, socket: LockSocket) {
    this.#folder = folder;
    this.#lockFolder = lockFolder;
    this.#name = name;
    this.#socket = socket;
  }

  /** False: my socket was taken for dead, and I have to enter anew. */
  async wins(): Promise<boolean> {
    for (let round = 0; round < decisionRounds; round += 1) {
      const { rival, dead } = await this.#lookAround();
      if (rival === null) {
        if (!(await exists(join(this.#lockFolder, this.#name)))) return false;
        this.#socket.state = 'holder';
        for (const name of dead) await rm(join(this.#lockFolder, name), { force: true });
        return true;
      }
      // Of two candidates the one with the lower name stays, and the other one goes. One that is going is waited for.
      const isFirst = rival.state === 'candidate' && rival.name < this.#name;
      if (rival.state === 'holder' || isFirst) throw new FolderInUseError(this.#folder, rival.pid);
      await pause(decisionPauseMs).over;
    }
    throw new FolderInUseError(this.#folder, null);
  }

  /** The file goes before the socket, so that it is never somebody else's. */
  async release(): Promise<void> {
    await rm(join(this.#lockFolder, this.#name), { force: true });
    this.#socket.close();
  }

  /** The rival is a holder if there is one, else the lowest candidate, else one that is about to go. */
  async #lookAround(): Promise<{ rival: (LockHolder & { name: string }) | null; dead: string[] }> {
    const names = (await readdir(this.#lockFolder)).filter((name) => name.endsWith('.sock') && name !== this.#name);
    const answers = await withShortPath(this.#lockFolder, (path) =>
      Promise.all(names.sort().map(async (name) => ({ name, holder: await askHolder(join(path, name)) }))),
    );
    const rivals = answers.flatMap(({ name, holder }) => (holder === null ? [] : [{ ...holder, name }]));
    return {
      rival:
        rivals.find((rival) => rival.state === 'holder') ??
        rivals.find((rival) => rival.state === 'candidate') ??
        rivals[0] ??
        null,
      dead: answers.filter(({ holder }) => holder === null).map(({ name }) => name),
    };
  }
}

/** The system cuts socket paths off at 104 bytes on macOS and 108 on Linux; the names in the folder take up to 32. */
const socketFolderBytesMax = 70;

/** Gives `use` a short path to the folder: the folder's own, or a link to it for as long as `use` takes. */
async function withShortPath<T>(folder: string, use: (path: string) => Promise<T>): Promise<T> {
  if (Buffer.byteLength(folder) <= socketFolderBytesMax) return await use(folder);
  const temporary = await mkdtemp(join(tmpdir(), 'perdure-'));
  try {
    const link = join(temporary, 'l');
    await symlink(folder, link);
    return await use(link);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}
