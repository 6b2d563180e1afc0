/** Two providers of one application are the same workflow. */
export class DuplicateProviderError extends Error {
  override readonly name: string = 'DuplicateProviderError';

  constructor(
    readonly workflowName: string,
    readonly providers: readonly string[],
  ) {
    super(
      `Workflow "${workflowName}" has ${providers.length} providers: ${providers.join(', ')}. Provide it in one module and export it from there, or give each class a name of its own.`,
    );
  }
}
