import type { WorkflowContext } from './context.js';
import type { CallResult, OpenCall } from './durable-call.js';

/**
 * Ends a call with what `ask` comes to. Infrastructure trouble never rejects it; what does, such as a conflict, is the
 * caller's to know and is recorded.
 */
export async function answer(
  call: OpenCall,
  { seams: { clock, codec } }: WorkflowContext,
  ask: () => Promise<Omit<CallResult, 'startedAt'>>,
): Promise<void> {
  const startedAt = clock.now();
  try {
    call.complete({ ...(await ask()), startedAt });
  } catch (error) {
    call.complete({ payload: codec.encodeError(error), failed: true, startedAt });
  }
}
