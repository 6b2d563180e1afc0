import { currentRun, InvalidInputError, type Perdure, type Workflow, workflow } from '@perdure/core';
import { httpState, type KeyInput, type KeyWorkflow } from './process-state.js';

/**
 * A run that does nothing: it stands for a key, and its input is the fingerprint that the key was first used with. It is
 * no lock; whoever has started it, the run that does the work is started by each request, and is the same for all.
 */
export function keyWorkflow(): KeyWorkflow {
  const state = httpState();
  state.keyWorkflow ??= workflow(
    'perdure.http.key',
    async (_input: KeyInput) => {
      state.onNewKey.get(currentRun()?.workflowId ?? '')?.();
      return null;
    },
    { version: '1' },
  );
  return state.keyWorkflow;
}

/**
 * A start checks its input, but that comes after the key is taken; what is refused must leave it free.
 *
 * @throws {InvalidInputError}
 */
export async function checkInput<Input>({ definition }: Workflow<[Input], unknown>, input: Input): Promise<void> {
  const result = await definition.inputSchema?.['~standard'].validate(input);
  if (result?.issues !== undefined) throw new InvalidInputError(definition.name, result.issues);
}

/**
 * Notes that a key stands for a fingerprint, and tells whether that is new.
 *
 * @throws {WorkflowConflictError} if it stands for another one
 */
export async function claimKey(engine: Perdure, runId: string, fingerprint: string | null): Promise<boolean> {
  const { onNewKey } = httpState();
  const workflowId = `${runId}.key`;
  let isNew = false;
  // Of several requests in this process, only the first can be the one that starts it.
  const isFirst = !onNewKey.has(workflowId);
  // The function of a new run is called before its start resolves.
  if (isFirst) onNewKey.set(workflowId, () => (isNew = true));
  try {
    await keyWorkflow().with({ workflowId, engine }).start({ fingerprint });
  } finally {
    if (isFirst) onNewKey.delete(workflowId);
  }
  return isNew;
}
