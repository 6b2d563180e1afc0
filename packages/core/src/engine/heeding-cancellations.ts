import { RunFinishedError } from '../errors/message-errors.js';
import type { Outcome } from '../store/records.js';
import type { RunStarter } from '../workflow/run-starter.js';

/** How a run learns that another one has ended. */
interface Informants extends Pick<RunStarter, 'send' | 'complete' | 'event' | 'stream'> {
  readonly outcome: (workflowId: string, signal: AbortSignal | null) => Promise<Outcome>;
}

/**
 * Who cancels a run cancels its children, of which the run may hear first. It is told of none before it has been looked whether
 * it is cancelled itself: what its code would then catch is not meant for it.
 *
 * @param hear tells the runs of an executor that they are cancelled, where they are
 */
export function heedingCancellations(informants: Informants, hear: () => Promise<void>): Informants {
  const delivered = async (sending: Promise<void>): Promise<void> => {
    try {
      await sending;
    } catch (error) {
      if (error instanceof RunFinishedError) await hear();
      throw error;
    }
  };
  return {
    async outcome(workflowId, signal) {
      const outcome = await informants.outcome(workflowId, signal);
      if (outcome.kind === 'cancelled') await hear();
      return outcome;
    },
    async event(question, signal) {
      const answer = await informants.event(question, signal);
      if (answer.event === null && answer.run === 'ended') await hear();
      return answer;
    },
    async stream(question, signal) {
      const answer = await informants.stream(question, signal);
      if (answer.run === 'ended') await hear();
      return answer;
    },
    send: (message) => delivered(informants.send(message)),
    complete: (completion) => delivered(informants.complete(completion)),
  };
}
