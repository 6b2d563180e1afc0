import { type HttpResponse, json } from './http-response.js';
import { type HttpProblem, problemOf } from './problem.js';
import { responseOfResult } from './stored-response.js';

type Headers = Readonly<Record<string, string>>;

/** What an adapter does with a request. */
export type Answer =
  /** Keys are no concern of this request: handle it as if this package were not there. */
  | { readonly kind: 'pass' }
  /** This request's handler ran, and its response is stored: send it. */
  | { readonly kind: 'own' }
  /** Send what a run came to: a stored response, or a workflow's result. */
  | { readonly kind: 'result'; readonly value: unknown; readonly headers: Headers }
  /** The run goes on; this says where. */
  | { readonly kind: 'accepted'; readonly runId: string; readonly response: HttpResponse }
  /** Hand this to the framework's handling of errors. */
  | { readonly kind: 'error'; readonly error: unknown; readonly headers: Headers }
  | { readonly kind: 'problem'; readonly problem: HttpProblem }
  /** The client has gone. */
  | { readonly kind: 'gone' };

export const replayed: Headers = { 'idempotent-replayed': 'true' };

/** What has to be sent for an answer that is a response; `problem` shows a problem. Null for all other answers. */
export function responseOfAnswer(answer: Answer, show: (problem: HttpProblem) => HttpResponse): HttpResponse | null {
  if (answer.kind === 'accepted') return answer.response;
  if (answer.kind === 'problem') return show(answer.problem);
  if (answer.kind !== 'result') return null;
  try {
    const response = responseOfResult(answer.value);
    return { ...response, headers: { ...response.headers, ...answer.headers } };
  } catch (error) {
    const problem = problemOf(error);
    if (problem === null) throw error;
    return show(problem);
  }
}

/** Turns what is thrown here into answers; whatever else is thrown is an error of the application. */
export async function answerOf(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    return failure(error, {});
  }
}

export function failure(error: unknown, headers: Headers): Answer {
  const problem = problemOf(error);
  return problem === null ? { kind: 'error', error, headers } : { kind: 'problem', problem };
}

export function accepted(runId: string, runsPath: string, headers: Headers = {}): Answer {
  const self = `${runsPath}/${encodeURIComponent(runId)}`;
  const body = { id: runId, status: 'running', links: { self, result: `${self}/result` } };
  return {
    kind: 'accepted',
    runId,
    response: json(202, body, { location: self, 'retry-after': '1', 'cache-control': 'no-store', ...headers }),
  };
}
