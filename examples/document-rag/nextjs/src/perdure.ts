import { Perdure } from '@perdure/core';
import { nextAdapter } from '@perdure/next';

export const { register, runs } = nextAdapter(
  () => Perdure.launch({ databaseUrl: process.env['DATABASE_URL'], lease: '3s' }),
  // Anybody may follow any run here, as anybody may ask how far it is.
  { authorize: () => true, runsPath: '/live', events: { events: ['progress'] } },
);
