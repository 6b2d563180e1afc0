import { createCodec, type ErrorClass } from '../codec/codec.js';
import { InvalidArgumentError } from '../errors/errors.js';
import type { StrandedRecord } from '../store/versions.js';
import {
  type Adoption,
  firstPage,
  type PageStart,
  type UnfinishedPage,
  type UnfinishedRun,
  type UnfinishedRunStore,
} from '../store/unfinished-runs.js';
import type { WorkflowDefinition } from '../workflow/definition.js';
import type { FoundDifference } from '../workflow/difference.js';
import { dryRun } from '../workflow/dry-run.js';
import { Registry } from '../workflow/registry.js';
import type { RunStarter } from '../workflow/run-starter.js';
import { anyVersion } from '../workflow/stand-in.js';
import type { Workflow } from '../workflow/workflow.js';
import type { EngineServices } from './engine-services.js';
import { told } from '../util/given.js';

export interface CheckOptions {
  /**
   * The workflows of the build that is checked; by default those that this engine runs, or without an engine all that the
   * process has defined.
   */
  readonly workflows?: readonly Pick<Workflow<never[], unknown>, 'definition'>[];
  /** Hands the compatible runs that nobody executes over to this build's versions. They must be served by a process. */
  readonly adopt?: 'compatible';
}

/** What a build is to a run that has not ended. */
export interface CheckedRun {
  readonly workflowId: string;
  readonly workflow: string;
  /** The version that the run is pinned to; null if it has not begun, and was started by name alone. */
  readonly version: string | null;
  /** The version of this build that it was checked with; null if the build has no such workflow. */
  readonly checkedWith: string | null;
  /**
   * `compatible`: this build can go on with it. `diverges`: its code does something else than what is recorded, or fails
   * at once. `needs-old-code`: the build does not have the workflow.
   */
  readonly verdict: 'compatible' | 'diverges' | 'needs-old-code';
  /** The number of the call at which they part; null where there is none. */
  readonly step: number | null;
  /** The difference, in words; null if it is compatible. */
  readonly reason: string | null;
  /** Whether this check has handed it over to {@link checkedWith}. */
  readonly isAdopted: boolean;
}

const pageMax = 500;

/** What is in memory of runs and their histories at once: this much, or one run that has more. */
const groupBytesMax = 16 * 1024 * 1024;
const groupRunsMax = 100;
const rememberedMax = 100_000;

/** The names and versions that runs are to have; null = any. */
type Versions = Parameters<UnfinishedRunStore['page']>[0]['versions'];

/** Sends a question, and repeats it or not while the database is away. */
type Ask = <T>(send: () => Promise<T>) => Promise<T>;

/** Checks builds against the runs that are under way, and lets the new versions have those that they can go on with. */
export class DeployGate {
  readonly #services: EngineServices;
  readonly #starter: RunStarter;
  readonly #errorClasses: readonly ErrorClass[];
  readonly #ask: Ask;
  /** Runs may be claimed by others than before. */
  readonly #onAdopted: () => void;

  constructor(options: {
    readonly services: EngineServices;
    readonly starter: RunStarter;
    readonly errorClasses: readonly ErrorClass[];
    readonly ask: Ask;
    readonly onAdopted: () => void;
  }) {
    this.#services = options.services;
    this.#starter = options.starter;
    this.#errorClasses = options.errorClasses;
    this.#ask = options.ask;
    this.#onAdopted = options.onAdopted;
  }

  check(options: CheckOptions): AsyncGenerator<CheckedRun, void, undefined> {
    return this.#check(options, null, this.#ask);
  }

  /** Takes over, of runs that nobody has the code of, those that this process can go on with. */
  async adoptStranded(stranded: readonly StrandedRecord[], isStopped: () => boolean): Promise<void> {
    const { registry, logger } = this.#services;
    const only = stranded
      .filter(({ workflow, version }) => version !== anyVersion && registry.named(workflow) !== null)
      .map(({ workflow, version }) => ({ name: workflow, version }));
    if (only.length === 0) return;
    let adopted = 0;
    const once: Ask = (send) => send();
    for await (const { isAdopted } of this.#check({ adopt: 'compatible' }, only, once)) {
      if (isStopped()) return;
      adopted += isAdopted ? 1 : 0;
    }
    if (adopted > 0)
      logger.info({ runs: adopted }, 'adopted runs of versions that no process has: this code fits them');
  }

  /** @param only the runs with these names and versions; null = all */
  async *#check(options: CheckOptions, only: Versions, ask: Ask): AsyncGenerator<CheckedRun, void, undefined> {
    const build = this.#buildOf(options);
    const met = new Set<string>();
    // Twice: what moves while the pages are read may be neither where they were read first nor where they are read last.
    for (let round = 0; round < 2 && met.size < rememberedMax; round += 1) {
      for await (const page of this.#pages(only, ask)) {
        for (const group of grouped(page.filter(({ workflowId }) => !met.has(workflowId)))) {
          for (const run of await this.#checkGroup(group, build, options.adopt, ask)) {
            remember(met, run.workflowId);
            yield run;
          }
        }
      }
    }
  }

  async *#pages(versions: Versions, ask: Ask): AsyncGenerator<readonly UnfinishedRun[], void, undefined> {
    const { unfinishedRuns } = this.#services.store;
    for (let start: PageStart | null = firstPage; start !== null;) {
      const from: PageStart = start;
      const page: UnfinishedPage = await ask(() => unfinishedRuns.page({ start: from, versions, max: pageMax }));
      yield page.runs;
      start = page.next;
    }
  }

  #buildOf({ workflows, adopt }: CheckOptions): Registry {
    if (adopt !== undefined && adopt !== 'compatible')
      throw new InvalidArgumentError(`adopt must be 'compatible', not ${told(adopt)}`);
    if (workflows !== undefined) return new Registry(workflows.map(({ definition }) => definition));
    const { registry } = this.#services;
    return registry.all().length === 0 ? new Registry(null) : registry;
  }

  async #checkGroup(
    group: readonly UnfinishedRun[],
    build: Registry,
    adopt: CheckOptions['adopt'],
    ask: Ask,
  ): Promise<CheckedRun[]> {
    const replayed = group.filter((run) => run.version !== anyVersion && codeFor(build, run) !== null);
    const differences = await this.#replay(replayed, build, ask);
    const checked = group.map((run) => toCheckedRun(run, codeFor(build, run), differences.get(run.workflowId) ?? null));
    const adopted = adopt === undefined ? new Set<string>() : await this.#adopt(group, checked, ask);
    return checked.map((run) => ({ ...run, isAdopted: adopted.has(run.workflowId) }));
  }

  async #replay(
    group: readonly UnfinishedRun[],
    build: Registry,
    ask: Ask,
  ): Promise<ReadonlyMap<string, FoundDifference | null>> {
    const { store, options } = this.#services;
    const ids = group.map(({ workflowId }) => workflowId);
    if (ids.length === 0) return new Map();
    const runs = await ask(() => store.unfinishedRuns.load(ids));
    const histories = await ask(() => store.runs.loadHistories(ids));
    const classes = [...this.#errorClasses, ...build.all().flatMap(({ errorClasses }) => errorClasses)];
    const codec = createCodec({ errorClasses: classes, maxBytes: options.payloadBytesMax });
    const services = { ...this.#services, codec, starter: this.#starter };
    const found = await Promise.all(
      [...runs.values()].map(async (run) => {
        const definition = codeFor(build, run);
        const history = histories.get(run.workflowId) ?? [];
        return [run.workflowId, definition && (await dryRun(services, definition, run, history))] as const;
      }),
    );
    return new Map(found);
  }

  async #adopt(
    group: readonly UnfinishedRun[],
    checked: readonly CheckedRun[],
    ask: Ask,
  ): Promise<ReadonlySet<string>> {
    const waiting = new Map(group.filter((run) => run.isWaiting).map((run) => [run.workflowId, run.lastPosition]));
    const adoptions = checked.flatMap(({ workflowId, verdict, version: from, checkedWith: to }): Adoption[] => {
      const lastPosition = waiting.get(workflowId);
      const isOther = verdict === 'compatible' && from !== null && to !== null && from !== to;
      return isOther && lastPosition !== undefined ? [{ workflowId, from, to, lastPosition }] : [];
    });
    if (adoptions.length === 0) return new Set();
    const adopted = await ask(() => this.#services.store.unfinishedRuns.adopt(adoptions));
    if (adopted.length > 0) this.#onAdopted();
    return new Set(adopted);
  }
}

/** The code of this build that would go on with a run: that of its version, else the newest. */
function codeFor(
  build: Registry,
  { name, version }: { readonly name: string; readonly version: string },
): WorkflowDefinition | null {
  return build.find(name, version) ?? build.named(name);
}

function toCheckedRun(
  { workflowId, name, version }: UnfinishedRun,
  code: WorkflowDefinition | null,
  difference: FoundDifference | null,
): CheckedRun {
  const needed = version === '' ? 'that has it' : `with the code of version "${version}"`;
  const needsOldCode = `This build has no workflow "${name}": keep a process ${needed} running until the run has ended.`;
  return {
    workflowId,
    workflow: name,
    version: version === anyVersion ? null : version,
    checkedWith: code?.version ?? null,
    verdict: code === null ? 'needs-old-code' : difference === null ? 'compatible' : 'diverges',
    step: difference?.seq ?? null,
    reason: code === null ? needsOldCode : (difference?.reason ?? null),
    isAdopted: false,
  };
}

/** Of a million runs only the last can still be met by chance. */
function remember(met: Set<string>, workflowId: string): void {
  met.add(workflowId);
  for (const oldest of met) {
    if (met.size <= rememberedMax) return;
    met.delete(oldest);
  }
}

function* grouped(runs: readonly UnfinishedRun[]): Generator<readonly UnfinishedRun[], void, undefined> {
  let group: UnfinishedRun[] = [];
  let bytes = 0;
  for (const run of runs) {
    if (group.length > 0 && (group.length >= groupRunsMax || bytes + run.bytes > groupBytesMax)) {
      yield group;
      [group, bytes] = [[], 0];
    }
    group.push(run);
    bytes += run.bytes;
  }
  if (group.length > 0) yield group;
}
