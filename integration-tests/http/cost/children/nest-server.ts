/** Argument: {@link ServerOptions} as JSON. */
import 'reflect-metadata';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Server } from 'node:net';
import { Body, Controller, HttpCode, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Perdure } from '@perdure/core';
import { Idempotent, PerdureModule, PerdureRunsModule } from '@perdure/nestjs';
import { answerTo, type ServerOptions, type Variant } from '../variants.js';
import { serve } from './serve.js';

const { framework, variants, databaseUrl } = JSON.parse(process.argv[2] ?? '') as ServerOptions;

@Controller()
class PlainController {
  @Post('orders')
  @HttpCode(200)
  order(@Body() body: unknown): object {
    return answerTo(body);
  }
}

@Controller()
class IdempotentController {
  @Post('orders')
  @HttpCode(200)
  @Idempotent({ required: false })
  order(@Body() body: unknown): object {
    return answerTo(body);
  }
}

const perdure = await Perdure.launch({ databaseUrl, schema: `http_${process.pid}` });
const http = { principal: (request: { headers: Record<string, string> }) => request.headers['x-user'] };

async function listen(variant: Variant): Promise<Server> {
  @Module({
    imports:
      variant === 'bare' || variant === 'storage'
        ? []
        : [PerdureModule.forRoot({ launch: () => Promise.resolve(perdure), http }), PerdureRunsModule.forRoot()],
    controllers: [variant === 'idempotent' ? IdempotentController : PlainController],
  })
  class AppModule {}

  const adapter = framework === 'Nest on Fastify' ? new FastifyAdapter() : new ExpressAdapter();
  const app = await NestFactory.create(AppModule, adapter, { logger: ['error'] });
  if (variant === 'storage') {
    const storage = new AsyncLocalStorage<object>();
    const enter = (_request: unknown, _response: unknown, next: () => void): void => storage.run({}, next);
    if (adapter instanceof FastifyAdapter) adapter.getInstance().addHook('preHandler', enter);
    else app.use(enter);
  }
  await app.listen(0, '127.0.0.1');
  return app.getHttpServer() as Server;
}

await serve(variants, listen);
