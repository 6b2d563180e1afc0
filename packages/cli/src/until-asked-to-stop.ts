const signals = ['SIGINT', 'SIGTERM'] as const;

/** Resolves on Ctrl-C or SIGTERM. A second one ends the process, as if nobody listened. */
export async function untilAskedToStop(): Promise<void> {
  await new Promise<void>((resolve) => {
    const stop = (): void => {
      for (const signal of signals) process.off(signal, stop);
      resolve();
    };
    for (const signal of signals) process.on(signal, stop);
  });
}
