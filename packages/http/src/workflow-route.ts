import type { Workflow } from '@perdure/core';
import { accepted, type Answer, failure, replayed } from './answer.js';
import type { HttpExchange } from './exchange.js';
import type { ResolvedRoute } from './options.js';
import { parsePrefer } from './preferences.js';
import { unavailable } from './problem.js';
import type { RouteServices } from './route-services.js';
import { generationOf } from './run-id.js';
import { concurrentRequest } from './run-watch.js';
import type { RequestTrace } from './traced-answer.js';

/** How long this client waits, and what it is told of it. */
interface Patience {
  readonly waitMs: number | null; // null = until the outcome
  readonly isAsync: boolean;
  readonly headers: Readonly<Record<string, string>>;
}

/** Requests that are workflows: the run is the request's, and its result the response, which any process can make of it. */
export class WorkflowRoutes<Req> {
  readonly #services: RouteServices<Req>;

  constructor(services: RouteServices<Req>) {
    this.#services = services;
  }

  /** @param inputOf is called before anything is stored; what it throws leaves the key free */
  async answer<Input, Result>(
    exchange: HttpExchange<Req>,
    route: ResolvedRoute<Req>,
    trace: RequestTrace,
    workflow: Workflow<[Input], Result>,
    inputOf: () => Input | Promise<Input>,
  ): Promise<Answer> {
    const { perdure, admission, watch } = this.#services;
    const admitted = await admission.admit(exchange, route);
    const input = await inputOf();
    const bound = workflow.with({ engine: perdure });
    const isAwaited = patienceOf(exchange, route).waitMs === null;
    if (admitted === null) {
      const runId = await admission.freshRunId(exchange);
      await watch.started(trace.start(runId, isAwaited, () => bound.with({ workflowId: runId }).start(input)));
      return (await this.#await(runId, exchange, route, { isNew: true })) as Answer;
    }
    for (let generation = 0; ; generation = await watch.generationAfter(generation, admitted.runId)) {
      const { fingerprint } = admitted;
      const runId = generationOf(admitted.runId, generation);
      const start = trace.start(runId, isAwaited, () => bound.with({ workflowId: runId, fingerprint }).start(input));
      const started = await watch.begun(start, runId, route.ttlMs);
      const answer = started === null ? null : await this.#await(runId, exchange, route, started);
      if (answer !== null) return answer;
    }
  }

  async #await(
    runId: string,
    exchange: HttpExchange<Req>,
    route: ResolvedRoute<Req>,
    { isNew }: { readonly isNew: boolean },
  ): Promise<Answer | null> {
    const { watch } = this.#services;
    const patience = patienceOf(exchange, route);
    if (!isNew && (await watch.isExpired(runId, route.ttlMs))) return null;
    const mayJoin = isNew || patience.isAsync || (route.onConcurrent === 'join' && this.#hasRoom(runId, route));
    if (!mayJoin && !(await watch.isFinished(runId))) return this.#notYet(runId, route, patience);
    if (patience.waitMs === 0) return accepted(runId, this.#runsPath, patience.headers);
    const { signal } = exchange;
    const cancel = (): void => watch.cancel(runId);
    if (isNew && route.onDisconnect === 'cancel') {
      // The client may have left before there was a run.
      if (signal?.aborted === true) cancel();
      else signal?.addEventListener('abort', cancel, { once: true });
    }
    const settled = await watch.outcomes.wait(runId, patience.waitMs ?? (isNew ? null : route.waitMs), signal);
    signal?.removeEventListener('abort', cancel);
    if (settled === null) return signal?.aborted === true ? { kind: 'gone' } : this.#notYet(runId, route, patience);
    if (settled.kind === 'unavailable') throw unavailable(settled.error);
    const headers = isNew ? patience.headers : { ...patience.headers, ...replayed };
    return settled.kind === 'failed'
      ? failure(settled.error, headers)
      : { kind: 'result', value: settled.value, headers };
  }

  #hasRoom(runId: string, route: ResolvedRoute<Req>): boolean {
    return this.#services.watch.outcomes.count(runId) < route.joinersMax;
  }

  #notYet(runId: string, route: ResolvedRoute<Req>, patience: Patience): Answer {
    if (patience.isAsync || route.onConcurrent === 'accept') return accepted(runId, this.#runsPath, patience.headers);
    return { kind: 'problem', problem: concurrentRequest() };
  }

  get #runsPath(): string {
    return this.#services.options.runsPath ?? '/runs';
  }
}

function patienceOf<Req>(exchange: HttpExchange<Req>, route: ResolvedRoute<Req>): Patience {
  if (route.mode === 'sync') return { waitMs: null, isAsync: false, headers: {} };
  if (route.mode === 'async') return { waitMs: 0, isAsync: true, headers: {} };
  const { respondAsync, waitSeconds } = parsePrefer(exchange.header('prefer'));
  if (!respondAsync) return { waitMs: null, isAsync: false, headers: { vary: 'Prefer' } };
  const applied = waitSeconds === null ? 'respond-async' : `respond-async, wait=${waitSeconds}`;
  return {
    waitMs: Math.min((waitSeconds ?? 0) * 1_000, route.waitMs),
    isAsync: true,
    headers: { vary: 'Prefer', 'preference-applied': applied },
  };
}
