import type { AddressInfo } from 'node:net';
import {
  All,
  type ArgumentsHost,
  Catch,
  Controller,
  type ExceptionFilter,
  HttpException,
  Module,
  Req,
  Res,
  type Type,
} from '@nestjs/common';
import { BaseExceptionFilter, HttpAdapterHost, NestFactory } from '@nestjs/core';
import { type NestExpressApplication, ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Perdure } from '@perdure/core';
import {
  Durable,
  Idempotent,
  PerdureModule,
  PerdureProblemException,
  PerdureProblemFilter,
  PerdureRunner,
  PerdureRunsModule,
} from '@perdure/nestjs';
import type { AppOptions, Framework, TestApp, TestRoute } from './frameworks.js';

type Platform = 'express' | 'fastify';

/** Nest on the platforms that it supports. */
export const nestFrameworks: readonly Framework[] = [
  { name: 'Nest on Express', start: (...args) => startNest('express', ...args) },
  { name: 'Nest on Fastify', start: (...args) => startNest('fastify', ...args) },
];

interface NestRequest {
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** What the responses of Express and of Fastify have in common. */
interface NestResponse {
  status(status: number): unknown;
  header(name: string, value: string): unknown;
  send(body?: string | Uint8Array): unknown;
}

const userOf = (request: NestRequest): string | null => request.headers['x-user'] ?? null;

/** A Nest application with these routes, on an engine that was launched elsewhere. */
async function startNest(
  platform: Platform,
  perdure: Perdure,
  routes: readonly TestRoute[],
  options: AppOptions = {},
): Promise<TestApp> {
  @Module({
    imports: [
      PerdureModule.forRoot({
        launch: async () => perdure,
        http: {
          principal: userOf,
          context: (request: NestRequest) => ({ user: userOf(request) }),
          ...(options as object),
        },
      }),
      PerdureRunsModule.forRoot(),
    ],
    controllers: routes.map(controllerOf),
  })
  class AppModule {}

  const app = await (platform === 'express' ? onExpress(AppModule) : onFastify(AppModule));
  app.useGlobalFilters(new StatusFilter(app.get(HttpAdapterHost).httpAdapter));
  await app.listen(0, '127.0.0.1');
  const server = app.getHttpServer();
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close(closing) {
      await app.get(PerdureRunner).stop(closing);
      await app.close();
    },
    abandon() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function onExpress(module: Type): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(module, new ExpressAdapter(), {
    logger: ['error'],
    abortOnError: false,
  });
  app.useBodyParser('json', { limit: '20mb' });
  return app;
}

async function onFastify(module: Type): Promise<NestFastifyApplication> {
  // Ids of runs may be longer than the hundred characters that Fastify takes for a parameter.
  const adapter = new FastifyAdapter({ bodyLimit: 20 * 1024 * 1024, routerOptions: { maxParamLength: 2_000 } });
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: ['error'],
    abortOnError: false,
  });
  // As Express does, it lets through what it has no parser for.
  app
    .getHttpAdapter()
    .getInstance()
    .addContentTypeParser('*', (_request, _payload, done) => done(null));
  return app;
}

function controllerOf(route: TestRoute): Type {
  const { path } = route;
  if (route.kind === 'durable') {
    const { workflow, input = (body) => body, options } = route;

    @Controller()
    class DurableController {
      @All(path)
      @Durable(workflow, options)
      handle(@Req() request: NestRequest): never {
        return input(request.body) as never;
      }
    }
    return DurableController;
  }
  const respond = async (request: NestRequest, response: NestResponse): Promise<void> => {
    const { status, headers, body } = await route.handler({ body: request.body, user: userOf(request) });
    response.status(status);
    for (const [name, value] of Object.entries(headers ?? {})) response.header(name, value);
    response.send(body instanceof Uint8Array ? Buffer.from(body) : body);
  };
  if (route.kind === 'idempotent') {
    const { options } = route;

    @Controller()
    class IdempotentController {
      @All(path)
      @Idempotent(options)
      async handle(@Req() request: NestRequest, @Res() response: NestResponse): Promise<void> {
        await respond(request, response);
      }
    }
    return IdempotentController;
  }

  @Controller()
  class BoundController {
    @All(path)
    async handle(@Req() request: NestRequest, @Res() response: NestResponse): Promise<void> {
      await respond(request, response);
    }
  }
  return BoundController;
}

/** Looks at the status of errors that are none of Nest's. */
@Catch()
class StatusFilter implements ExceptionFilter<Error & { readonly status?: number }> {
  readonly #nest: BaseExceptionFilter;

  constructor(adapter: HttpAdapterHost['httpAdapter']) {
    this.#nest = new BaseExceptionFilter(adapter);
  }

  catch(error: Error & { readonly status?: number }, host: ArgumentsHost): void {
    const filter: ExceptionFilter = error instanceof PerdureProblemException ? new PerdureProblemFilter() : this.#nest;
    const isKnown = error instanceof HttpException;
    const shown = isKnown ? error : new HttpException({ error: error.message }, error.status ?? 500);
    // oxlint-disable-next-line promise/valid-params -- this is no promise
    filter.catch(shown, host);
  }
}
