'use client';

import { useState } from 'react';

/** Something that the user has asked for: whether it is under way, and what went wrong. */
export function useAsking(): {
  readonly isBusy: boolean;
  readonly error: string | null;
  readonly run: (work: () => Promise<void>) => void;
} {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const run = (work: () => Promise<void>): void => {
    setBusy(true);
    setError(null);
    work()
      .catch((failure: unknown) => setError(failure instanceof Error ? failure.message : String(failure)))
      .finally(() => setBusy(false));
  };
  return { isBusy, error, run };
}
