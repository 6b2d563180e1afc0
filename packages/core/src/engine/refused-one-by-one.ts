/**
 * Sends a batch, and where it is refused, each item by itself: what the database refuses, it refuses for good, and it must
 * not take others along.
 */
export async function refusedOneByOne<Item, Answer>(
  batch: readonly Item[],
  send: (batch: readonly Item[]) => Promise<readonly Answer[]>,
): Promise<readonly (Answer | { readonly error: unknown })[]> {
  try {
    return await send(batch);
  } catch (error) {
    if (batch.length === 1) return [{ error }];
    const answers: (Answer | { readonly error: unknown })[] = [];
    for (const item of batch) answers.push(...(await refusedOneByOne([item], send)));
    return answers;
  }
}
