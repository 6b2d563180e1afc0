import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import type { Fault } from '../checker/evidence.js';

/** What a process of the fleet is told. */
export interface WorkerJob {
  readonly url: string;
  readonly schema: string;
  /** Names the process: in the ledger, and as the application of its connections. */
  readonly label: string;
  readonly ledger: string;
  readonly build: string;
  readonly leaseMs: number;
  readonly crashesMax: number;
  readonly ticksFrom: number;
  readonly ticksUntil: number;
}

/** What it says. */
export type WorkerMessage = { readonly kind: 'ready' } | ({ readonly kind: 'vitals' } & Vitals);

export interface Vitals {
  readonly heapBytes: number;
  readonly rssBytes: number;
  readonly handles: number;
}

export interface FleetOptions {
  /** The module of the processes, in JavaScript. */
  readonly module: string;
  readonly size: number;
  /** How many of them, the first ones, are no {@link Fleet.targets}. */
  readonly spared: number;
  /** What each is told, besides its label and its build. */
  readonly job: Omit<WorkerJob, 'label' | 'build' | 'url'>;
  /** By which every other one of them reaches the database: a way that connections are cut on, and the server itself. */
  readonly urls: readonly [string, string];
  /** What the processes print goes here. */
  readonly log: string;
}

interface Member {
  readonly no: number;
  readonly label: string;
  readonly process: ChildProcess;
  readonly ready: Promise<unknown>;
  isStopped: boolean;
  isLeaving: boolean;
}

/** Processes that are replaced as soon as they are gone, whatever ended them. What is done to them is written down. */
export class Fleet {
  readonly faults: Fault[] = [];
  /** Those that ended by themselves without having been told to, and not by a signal. */
  readonly failed: string[] = [];
  readonly #options: FleetOptions;
  readonly #members = new Set<Member>();
  #launched = 0;
  #build = 1;
  #isOver = false;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  get build(): string {
    return `${this.#build}`;
  }

  get launched(): number {
    return this.#launched;
  }

  /** The labels of those that something may be done to. */
  get targets(): readonly string[] {
    return this.#staying
      .filter(({ no, isStopped }) => no > this.#options.spared && !isStopped)
      .map(({ label }) => label);
  }

  get #staying(): readonly Member[] {
    return [...this.#members].filter(({ isLeaving }) => !isLeaving);
  }

  async launch(): Promise<void> {
    this.#fill();
    await Promise.all([...this.#members].map(({ ready }) => ready));
  }

  kill(label: string): void {
    this.#signal('kill', label, 'SIGKILL');
  }

  /** Stops a process for so long. */
  pause(label: string, ms: number): void {
    const member = this.#find(label);
    if (member === undefined || member.isStopped) return;
    member.isStopped = true;
    this.#signal('stop', label, 'SIGSTOP');
    setTimeout(() => this.#resume(member), ms).unref();
  }

  /** Tells a process to leave; `deploy`: for the next build. */
  dismiss(label: string, kind: 'term' | 'deploy' = 'term'): void {
    const member = this.#find(label);
    if (member === undefined || member.isStopped) return;
    member.isLeaving = true;
    this.#signal(kind, label, 'SIGTERM');
    this.#fill();
  }

  /** Lets all processes of the current build leave, one by one, once those of the next one are there. */
  async deploy(): Promise<void> {
    const old = this.targets;
    this.#build += 1;
    for (const label of old) {
      if (this.#isOver) return;
      this.dismiss(label, 'deploy');
      await [...this.#members].at(-1)?.ready;
    }
  }

  note(kind: Fault['kind'], process = ''): void {
    this.faults.push({ at: Date.now(), kind, process });
  }

  /** Lets all go on that are stopped. */
  resumeAll(): void {
    for (const member of this.#members) if (member.isStopped) this.#resume(member);
  }

  /** Lets all leave; answers with how many had to be killed in the end. */
  async disband(deadlineMs: number): Promise<number> {
    this.#isOver = true;
    this.resumeAll();
    const left = [...this.#members];
    await Promise.all(left.map(({ ready }) => ready));
    const exits = left.filter(({ process }) => isAlive(process)).map(({ process }) => once(process, 'exit'));
    for (const member of left) {
      member.isLeaving = true;
      member.process.kill('SIGTERM');
    }
    const late = setTimeout(() => left.forEach(({ process }) => process.kill('SIGKILL')), deadlineMs);
    await Promise.all(exits);
    clearTimeout(late);
    return left.filter(({ process }) => process.signalCode === 'SIGKILL').length;
  }

  killAll(): void {
    this.#isOver = true;
    for (const { process } of this.#members) process.kill('SIGKILL');
  }

  /** What those that are spared say of themselves. */
  async vitals(deadlineMs: number): Promise<Vitals[]> {
    const spared = [...this.#members].filter(({ no }) => no <= this.#options.spared);
    const answers = spared.map(async ({ process }) => {
      const heard = once(process, 'message', { signal: AbortSignal.timeout(deadlineMs) }).catch(() => null);
      process.send({ kind: 'vitals' }, () => {});
      const answer = await heard;
      const message = answer?.[0] as WorkerMessage | undefined;
      return message?.kind === 'vitals' ? message : null;
    });
    return (await Promise.all(answers)).filter((answer) => answer !== null);
  }

  #fill(): void {
    while (!this.#isOver && this.#staying.length < this.#options.size) this.#spawn();
  }

  #spawn(): void {
    const { module, job, urls, log } = this.#options;
    const no = (this.#launched += 1);
    const label = `w${no}`;
    const told: WorkerJob = { ...job, label, build: this.build, url: urls[no % 2]! };
    const output = openSync(log, 'a');
    const process = fork(module, [JSON.stringify(told)], {
      stdio: ['ignore', output, output, 'ipc'],
      execArgv: ['--expose-gc'],
    });
    closeSync(output);
    const exit = once(process, 'exit');
    const ready = Promise.race([once(process, 'message'), exit]);
    const member: Member = { no, label, process, ready, isStopped: false, isLeaving: false };
    this.#members.add(member);
    void exit.then(([code]) => {
      this.#members.delete(member);
      if (code !== null && code !== 0) this.failed.push(label);
      this.#fill();
    });
  }

  #signal(kind: Fault['kind'], label: string, signal: NodeJS.Signals): void {
    const member = this.#find(label);
    if (member === undefined || !isAlive(member.process)) return;
    this.note(kind, label);
    member.process.kill(signal);
  }

  #resume(member: Member): void {
    if (!member.isStopped) return;
    member.isStopped = false;
    if (!isAlive(member.process)) return;
    // Noted afterwards: until then it is excused.
    member.process.kill('SIGCONT');
    this.note('continue', member.label);
  }

  #find(label: string): Member | undefined {
    return [...this.#members].find((member) => member.label === label);
  }
}

const isAlive = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode === null && signalCode === null;
