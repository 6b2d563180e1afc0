import type { RequestContext } from '@perdure/http';

/**
 * What `@Inject(REQUEST)` gives in a workflow that is request-scoped: the same in the first process and in one that
 * recovered the run, where the HTTP request is long gone.
 */
export class WorkflowRequest {
  readonly workflowId: string;
  readonly workflowName: string;
  /** What the workflow was started with. */
  readonly args: readonly unknown[];
  /** What is known of the request that started the run; undefined if none did, or nothing is. */
  readonly context: RequestContext | undefined;
  /** None; strategies for durable providers look here without asking first. */
  readonly headers: Readonly<Record<string, string>> = {};

  constructor(
    run: { readonly workflowId: string; readonly workflowName: string },
    args: readonly unknown[],
    context: RequestContext | undefined,
  ) {
    this.workflowId = run.workflowId;
    this.workflowName = run.workflowName;
    this.args = args;
    this.context = context;
  }
}
