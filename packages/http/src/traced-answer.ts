import { awaitedByActiveSpan, notesOnActiveSpan, type RequestNotes } from '@perdure/core/internal';
import { type Answer, answerOf } from './answer.js';

/** The span of a request, which the framework's instrumentation has made; without any it is nobody's. */
export class RequestTrace {
  readonly #note: RequestNotes;

  constructor(note: RequestNotes) {
    this.#note = note;
  }

  /** Starts the run that the request is, and waits for, which says so in its trace; `isAwaited`: unlike others. */
  start<T>(runId: string, isAwaited: boolean, start: () => T): T {
    this.#note({ 'perdure.workflow.id': runId });
    return isAwaited ? awaitedByActiveSpan(start) : start();
  }

  answered(answer: Answer): void {
    this.#note({ 'perdure.request.outcome': outcomeOf(answer) });
  }
}

/** Answers a request, and says in its span how. Whatever is thrown becomes an answer. */
export async function tracedAnswer(work: (trace: RequestTrace) => Promise<Answer>): Promise<Answer> {
  const trace = new RequestTrace(notesOnActiveSpan());
  const answer = await answerOf(() => work(trace));
  trace.answered(answer);
  return answer;
}

function outcomeOf(answer: Answer): string {
  switch (answer.kind) {
    case 'own':
      return 'executed';
    case 'result':
      return 'idempotent-replayed' in answer.headers ? 'replayed' : 'executed';
    case 'pass':
      return 'unkeyed';
    case 'error':
      return 'failed';
    case 'problem':
      return 'refused';
    case 'accepted':
      return 'accepted';
    case 'gone':
      return 'gone';
  }
}
