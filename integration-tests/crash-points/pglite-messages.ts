/** What a worker asks of the PGlite that its parent has. `tx` names a transaction that it has begun. */
export type Ask =
  | {
      readonly kind: 'query';
      readonly text: string;
      readonly values: unknown[] | undefined;
      readonly tx: number | null;
    }
  | { readonly kind: 'exec'; readonly sql: string; readonly tx: number | null }
  | { readonly kind: 'begin' }
  | { readonly kind: 'end'; readonly tx: number; readonly verdict: 'commit' | 'rollback' };

export type Question = Ask & { readonly no: number };

export type Answer =
  | { readonly kind: 'answer'; readonly no: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly no: number; readonly error: { readonly message: string } }
  | { readonly kind: 'notification'; readonly channel: string; readonly payload: string };
