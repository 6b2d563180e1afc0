/** Argument: {@link ServerOptions} as JSON. */
import 'reflect-metadata';
import type { Server } from 'node:net';
import { Body, Controller, HttpCode, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Perdure } from '@perdure/core';
import { Idempotent, PerdureModule, PerdureRunsModule } from '@perdure/nestjs';
import { answerTo, isWithPerdure, middlewareOf, type ServerOptions, type Variant } from '../variants.js';
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
    imports: isWithPerdure(variant)
      ? [PerdureModule.forRoot({ launch: () => Promise.resolve(perdure), http }), PerdureRunsModule.forRoot()]
      : [],
    controllers: [variant === 'idempotent' ? IdempotentController : PlainController],
  })
  class AppModule {}

  const adapter = framework === 'Nest on Fastify' ? new FastifyAdapter() : new ExpressAdapter();
  const app = await NestFactory.create(AppModule, adapter, { logger: ['error'] });
  const middleware = middlewareOf(variant);
  if (middleware !== null) {
    if (adapter instanceof FastifyAdapter) adapter.getInstance().addHook('preHandler', middleware);
    else app.use(middleware);
  }
  await app.listen(0, '127.0.0.1');
  return app.getHttpServer() as Server;
}

await serve(variants, listen);
