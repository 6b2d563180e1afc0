/** A promise that never settles: what user code waits for when its run has stopped in this process. */
export function never(): Promise<never> {
  return new Promise(() => {});
}
