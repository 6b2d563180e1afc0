/**
 * Waits for a fact, and answers with it. Facts are in the database, in the ledger, or in what a process said; how long
 * they take doesn't matter, up to a deadline by which something must be wrong.
 */
export async function eventually<T>(
  fact: string,
  look: () => T | Promise<T>,
  deadlineMs = 30_000,
): Promise<Exclude<T, false | null | undefined>> {
  const since = performance.now();
  for (;;) {
    const found = await look();
    if (found !== false && found != null) return found as Exclude<T, false | null | undefined>;
    if (performance.now() - since > deadlineMs) throw new Error(`It did not come about in ${deadlineMs} ms: ${fact}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
