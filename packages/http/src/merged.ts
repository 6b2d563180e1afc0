/** What comes from several sources, in the order in which it comes, until all have ended or the signal aborts. */
export async function* merged<T>(
  sources: readonly AsyncIterable<T>[],
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const ready: { readonly item: T; readonly taken: () => void }[] = [];
  let open = sources.length;
  let failure: { readonly error: unknown } | null = null;
  let wake = (): void => {};

  async function pump(source: AsyncIterable<T>): Promise<void> {
    try {
      for await (const item of source) {
        if (signal.aborted) return;
        // The source is asked for more when somebody has asked for this.
        await new Promise<void>((taken) => {
          ready.push({ item, taken });
          wake();
        });
      }
    } catch (error) {
      failure = { error };
    } finally {
      open -= 1;
      wake();
    }
  }

  const abort = (): void => wake();
  signal.addEventListener('abort', abort, { once: true });
  for (const source of sources) void pump(source);
  try {
    while (!signal.aborted) {
      const next = ready.shift();
      if (next !== undefined) {
        yield next.item;
        next.taken();
      } else if (failure !== null) throw (failure as { readonly error: unknown }).error;
      else if (open === 0) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    signal.removeEventListener('abort', abort);
    // Lets the sources see that they are not wanted any more.
    for (const { taken } of ready) taken();
  }
}
