import { currentRun, PerdureError, step, workflow } from '@perdure/core';
import { currentEngineKey, starterOn } from '@perdure/core/internal';
import type { Offer } from './offers.js';
import { httpState, type RequestWorkflow, type StoredRequest } from './process-state.js';
import { interrupted, omittedRecord } from './stored-response.js';

/**
 * The run behind a request with a plain handler. Its one step is the handler, and its result the response, so that any
 * process answers a repeated request. A handler needs its request, which only a process that has one can give it:
 * elsewhere the run ends as interrupted, and the next request with the key begins the next generation.
 */
export function requestWorkflow(): RequestWorkflow {
  const state = httpState();
  state.requestWorkflow ??= workflow(
    'perdure.http.request',
    async ({ origin, fingerprint }: StoredRequest) => {
      let offer = null as Offer | null;
      try {
        // In the step: whoever only replays the run takes no request from it.
        return await step.run('respond', async () => {
          const runId = currentRun()?.workflowId ?? '';
          offer = state.offers.take({ runId, fingerprint, engineKey: currentEngineKey() });
          return offer === null ? interrupted(origin) : await offer.perform(origin, starterOn());
        });
      } catch (error) {
        if (!(error instanceof PerdureError) || error.code !== 'PERDURE_PAYLOAD_TOO_LARGE') throw error;
        // Larger than what the engine stores: that it was done is what matters.
        const unknown = { status: 200, headers: [] };
        return omittedRecord(
          unknown,
          { bytes: null, sha256: null },
          { exchangeId: offer?.exchangeId ?? '', headers: [] },
        );
      }
    },
    // The source differs from build to build, and runs must survive a deploy.
    { version: '1' },
  );
  return state.requestWorkflow;
}
