/** Argument: {@link ServerOptions} as JSON. */
import { createServer } from 'node:http';
import { Perdure } from '@perdure/core';
import { expressAdapter } from '@perdure/express';
import express4 from 'express4';
import express5 from 'express5';
import { answerTo, isWithPerdure, middlewareOf, type ServerOptions, type Variant } from '../variants.js';
import { serve } from './serve.js';

const { framework, variants, databaseUrl } = JSON.parse(process.argv[2] ?? '') as ServerOptions;
const express = framework === 'Express 4' ? (express4 as unknown as typeof express5) : express5;
const perdure = await Perdure.launch({ databaseUrl, schema: `http_${process.pid}` });
const handler: express5.RequestHandler = (req, res) => void res.json(answerTo(req.body));

function appOf(variant: Variant): express5.Express {
  const app = express();
  app.use(express.json());
  const middleware = middlewareOf(variant);
  if (middleware !== null) app.use(middleware);
  if (!isWithPerdure(variant)) app.post('/orders', handler);
  else {
    const http = expressAdapter(perdure, { principal: (req) => req.get('x-user'), authorize: 'owner' });
    app.use(http.bind());
    app.post('/orders', variant === 'mounted' ? handler : http.idempotent(handler, { required: false }));
    app.use('/runs', http.runs());
    app.use(http.problems());
  }
  return app;
}

await serve(variants, async (variant) => createServer(appOf(variant)).listen(0, '127.0.0.1'));
