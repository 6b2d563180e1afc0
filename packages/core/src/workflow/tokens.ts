import { createHash } from 'node:crypto';
import type { TransactionClient } from '../database/database.js';
import { InvalidArgumentError } from '../errors/errors.js';
import { answer } from './answer.js';
import type { WorkflowContext } from './context.js';
import { currentContext, starterOn } from './current-context.js';
import type { DurableCall } from './durable-call.js';
import { messageWait, receiveCall, type ReceiveOptions } from './messages.js';
import { checkKey } from './names.js';
import type { RunStarter, TokenCompletion } from './run-starter.js';

/** A wait that is ended by whoever was given the token. */
export interface Token<Value> {
  /** The secret: 43 letters, digits, `-` and `_`, which fit into a URL. */
  readonly token: string;
  /**
   * Waits for the value; in the workflow that made the token.
   *
   * @throws {ReceiveTimeoutError} if none came in time
   * @throws {InvalidMessageError} if it doesn't fit the schema
   */
  receive(options?: ReceiveOptions<Value>): Promise<Value>;
}

export interface CompleteOptions {
  /** The transaction that the completion becomes part of; see {@link StartOptions}. */
  readonly transaction?: TransactionClient;
  /** The engine to complete it through where there are several. */
  readonly engine?: { readonly starter: RunStarter };
}

/**
 * Makes a secret that ends a wait of this run from outside, once: for a link in a mail, or as the address that another
 * system calls back. Whoever has it needs to know nothing else of the run.
 *
 * It is the same in every replay. The history holds only a hash of it; it is derived from a secret of the run, which is in
 * the run's row.
 *
 * @param name what it is for, in errors
 * @throws {InvalidArgumentError} outside a workflow
 *
 * @example
 * const approval = await createToken<Approval>('approval');
 * await step.run('ask', () => mail(manager, `https://shop.example/approve/${approval.token}`));
 * const { granted } = await approval.receive({ timeout: '3d' });
 */
export function createToken<Value = unknown>(name: string): Promise<Token<Value>> {
  checkKey('The name of a token', name);
  const context = currentContext();
  if (context?.kind === 'workflow') return context.call(mintCall(name, context)) as Promise<Token<Value>>;
  return Promise.reject(
    new InvalidArgumentError(
      `createToken("${name}") was called outside a workflow. Call it in the workflow function itself, and pass the token on to steps.`,
    ),
  );
}

/**
 * Ends the wait that a token stands for, with a value. Done again, it changes nothing: the first value counts.
 *
 * @throws {TokenNotFoundError} if no run has made the token
 * @throws {RunFinishedError} if the run has ended without it
 *
 * @example
 * app.post('/approve/:token', async (req, res) => {
 *   await completeToken(req.params.token, { granted: true });
 *   res.sendStatus(204);
 * });
 */
export function completeToken(token: string, value?: unknown, options: CompleteOptions = {}): Promise<void> {
  checkKey('A token', token);
  const context = currentContext();
  if (context?.kind === 'workflow') {
    if (options.transaction === undefined) {
      return context.call(completeCall({ token, value, transaction: null }, context)) as Promise<void>;
    }
    return Promise.reject(
      new InvalidArgumentError(
        'A workflow completes a token in a transaction, but nothing that a workflow itself does can be in one. Do it in the body of step.transaction().',
      ),
    );
  }
  const transaction = options.transaction ?? (context?.kind === 'step' ? context.transaction : null);
  return starterOn(options.engine).complete({ token, value, transaction });
}

/** What is stored instead of a token. Looking for it tells nothing about tokens that are nearly right. */
export function hashOfToken(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/** The line of messages that a token stands for. */
export const topicOfToken = (hash: string): string => `token ${hash}`;

/** Nothing happens but that it is recorded, before any step can pass the token on. */
function mintCall(name: string, context: WorkflowContext): DurableCall {
  const { clock, codec } = context.seams;
  const token = context.nextToken();
  const hash = hashOfToken(token);
  return {
    kind: 'token',
    name,
    perform: (call) => call.complete({ payload: codec.encodeRecord(hash), failed: false, startedAt: clock.now() }),
    revive: (): Token<unknown> => ({
      token,
      receive(options = {}) {
        const current = currentContext();
        if (current?.kind !== 'workflow' || current.workflowId !== context.workflowId) {
          return Promise.reject(
            new InvalidArgumentError(`The token "${name}" is only received in the workflow that made it.`),
          );
        }
        return current.call(receiveCall(messageWait(topicOfToken(hash), { kind: 'token', name }, options), current));
      },
    }),
  };
}

function completeCall(completion: TokenCompletion, context: WorkflowContext): DurableCall {
  return {
    kind: 'send',
    name: 'token',
    perform: (call) =>
      answer(call, context, async () => {
        await call.permission();
        await call.track(context.starter.complete(completion));
        return { payload: null, failed: false };
      }),
  };
}
