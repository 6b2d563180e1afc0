import { Perdure } from '@perdure/core';
import { nextAdapter } from '@perdure/next';

export const { register, perdure, withDurable, durableAction, runs } = nextAdapter(
  () =>
    Perdure.launch({
      databaseUrl: process.env['DATABASE_URL'],
      folder: '.perdure/postgres',
      schema: 'perdure_nextjs_demo',
      // A dead process keeps its runs for as long as its lease lasts: 15 s by default, and less here, so that you wait less.
      lease: '3s',
    }),
  {
    // A shop would know this from a session; it is what keeps the keys of two customers apart.
    principal: (request) => request.headers.get('x-customer') ?? request.cookies.get('customer')?.value ?? 'guest',
    authorize: 'owner',
    // What an input mapper throws has a status of its own here.
    onError: (error) => {
      const { status = 500, message } = error as { readonly status?: number; readonly message: string };
      return Response.json({ error: status < 500 ? message : 'Something went wrong.' }, { status });
    },
  },
);
