import { Perdure } from '@perdure/core';
import { nextAdapter } from '@perdure/next';

export const { register, withDurable, withIdempotency, durableAction, runs } = nextAdapter(
  () => Perdure.launch({ databaseUrl: process.env.DATABASE_URL, schema: process.env.SCHEMA }),
  { authorize: () => true },
);
