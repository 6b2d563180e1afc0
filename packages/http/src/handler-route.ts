import { accepted, type Answer, failure, replayed } from './answer.js';
import type { HttpExchange } from './exchange.js';
import type { Offer, Perform } from './offers.js';
import type { ResolvedRoute } from './options.js';
import { HttpProblem, unavailable } from './problem.js';
import { httpState, type StoredRequest } from './process-state.js';
import { requestWorkflow } from './request-run.js';
import type { RouteServices } from './route-services.js';
import { generationOf } from './run-id.js';
import { concurrentRequest } from './run-watch.js';
import { isInterrupted, isResponseRecord } from './stored-response.js';
import type { Settled } from './outcomes.js';
import type { RequestTrace } from './traced-answer.js';

/** How long an answer waits to be stored before it is sent all the same. */
const commitWaitMs = 5_000;

/** The run of a key can give no answer, and the next generation has to. */
interface NoAnswer {
  readonly kind: 'none';
  /** What the workflows of the next one are named after; null = itself, because the key was forgotten. */
  readonly origin: string | null;
}

const forgotten: NoAnswer = { kind: 'none', origin: null };

/**
 * Requests with a plain handler. The handler runs once for each key, in the step of a run whose result is the response;
 * repeated requests wait for that run, wherever it executes. When its process dies, the run is taken over, and the
 * handler runs again in a repeated request: the workflows that it calls have the same ids then, and go on. Under a key that
 * was forgotten, they are other ones.
 */
export class HandlerRoutes<Req> {
  readonly #services: RouteServices<Req>;

  constructor(services: RouteServices<Req>) {
    this.#services = services;
    requestWorkflow();
  }

  async answer(
    exchange: HttpExchange<Req>,
    route: ResolvedRoute<Req>,
    trace: RequestTrace,
    perform: Perform,
  ): Promise<Answer> {
    const { admission, watch, perdure } = this.#services;
    const admitted = await admission.admit(exchange, route);
    if (admitted === null) return { kind: 'pass' };
    const { fingerprint } = admitted;
    const { outside: engineKey } = perdure.starter;
    let origin: string | null = null;
    for (let generation = 0; ; generation = await watch.generationAfter(generation, admitted.runId)) {
      const runId = generationOf(admitted.runId, generation);
      const offer = httpState().offers.add({ runId, fingerprint, engineKey }, (exchangeId, run) =>
        within(route.handlerTimeoutMs, perform(exchangeId, run)),
      );
      try {
        const answer = await this.#offer(offer, { origin: origin ?? runId, fingerprint }, route, trace);
        if (answer.kind !== 'none') return answer;
        origin = answer.origin;
      } finally {
        httpState().offers.withdraw(offer);
      }
    }
  }

  async #offer(
    offer: Offer,
    stored: StoredRequest,
    route: ResolvedRoute<Req>,
    trace: RequestTrace,
  ): Promise<Answer | NoAnswer> {
    const { perdure, watch } = this.#services;
    const { runId, fingerprint } = offer.asked;
    const workflow = requestWorkflow().with({ workflowId: runId, engine: perdure, fingerprint });
    const start = trace.start(runId, true, () => workflow.start(stored));
    const started = await watch.begun(start, runId, route.ttlMs);
    if (started === null) return forgotten;
    return started.isNew || offer.isTaken ? await this.#own(offer) : await this.#follow(offer, route);
  }

  /** This request's handler is running. */
  async #own(offer: Offer): Promise<Answer> {
    const settled = await Promise.race([
      this.#services.watch.outcomes.wait(offer.asked.runId, null),
      // Stored it will be; the client need not wait for a database that is slow.
      offer.performed.catch(() => null).then(() => after(commitWaitMs, 'uncommitted' as const)),
    ]);
    if (settled === 'uncommitted' || settled === null || settled.kind === 'unavailable') {
      if (offer.thrown !== null) return failure(offer.thrown.error, {});
      return offer.hasPerformed ? { kind: 'own' } : { kind: 'problem', problem: unavailable() };
    }
    if (settled.kind === 'failed') return failure(offer.thrown?.error ?? settled.error, {});
    // The lease was lost meanwhile. This request's handler may still be running, so it cannot run again.
    if (isInterrupted(settled.value)) return { kind: 'problem', problem: unavailable() };
    return isMadeBy(settled.value, offer)
      ? { kind: 'own' }
      : { kind: 'result', value: settled.value, headers: replayed };
  }

  /** Another request came first. */
  async #follow(offer: Offer, route: ResolvedRoute<Req>): Promise<Answer | NoAnswer> {
    const { runId } = offer.asked;
    const isFull = httpState().offers.count(offer) > route.joinersMax;
    if ((route.onConcurrent !== 'join' || isFull) && !(await this.#services.watch.isFinished(runId))) {
      if (offer.isTaken) return await this.#own(offer);
      return this.#notYet(runId, route);
    }
    const settled = await Promise.race([
      this.#services.watch.outcomes.wait(runId, route.waitMs),
      offer.taken.then(() => 'taken' as const),
    ]);
    if (settled === 'taken' || offer.isTaken) return await this.#own(offer);
    return settled === null ? this.#notYet(runId, route) : await this.#replay(runId, settled, route);
  }

  #notYet(runId: string, route: ResolvedRoute<Req>): Answer {
    if (route.onConcurrent === 'accept') return accepted(runId, this.#services.options.runsPath ?? '/runs');
    return { kind: 'problem', problem: concurrentRequest() };
  }

  async #replay(runId: string, settled: Settled, route: ResolvedRoute<Req>): Promise<Answer | NoAnswer> {
    if (settled.kind === 'unavailable') throw unavailable(settled.error);
    if (settled.kind === 'completed' && isInterrupted(settled.value))
      return { kind: 'none', origin: settled.value.origin };
    if (await this.#services.watch.isExpired(runId, route.ttlMs)) return forgotten;
    if (settled.kind === 'failed') return failure(settled.error, replayed);
    return { kind: 'result', value: settled.value, headers: replayed };
  }
}

function isMadeBy(value: unknown, offer: Offer): boolean {
  return isResponseRecord(value) && value.exchangeId === offer.exchangeId;
}

function after<T>(delayMs: number, value: T): Promise<T> {
  return new Promise((resolve) => setTimeout(() => resolve(value), delayMs).unref());
}

/** A handler that never answers would keep its key for ever. */
async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(handlerTimeout(limitMs)), limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

const handlerTimeout = (limitMs: number): HttpProblem =>
  new HttpProblem(504, 'handler-timeout', 'Timed out', `No answer was made within ${limitMs} ms.`);
