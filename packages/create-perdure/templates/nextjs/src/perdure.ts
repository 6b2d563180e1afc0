import { Perdure } from '@perdure/core';
import { nextAdapter } from '@perdure/next';

export const { register, withDurable, durableAction, runs } = nextAdapter(
  () =>
    Perdure.launch({
      databaseUrl: process.env.DATABASE_URL, // unset: an embedded Postgres in .perdure/
      lease: '5s', // how long a dead process keeps its runs; 15 s if you leave this out
    }),
  {
    principal: () => 'everybody', // whose key it is: answer with the id of the user who is signed in
    authorize: 'owner', // who may see a run
    onError: (error) => {
      const { status = 500, message } = error as { status?: number; message: string };
      return Response.json({ error: status < 500 ? message : 'Something went wrong.' }, { status });
    },
  },
);
