import { request } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import {
  type ArgumentsHost,
  BadRequestException,
  Body,
  type CallHandler,
  type CanActivate,
  Catch,
  ConflictException,
  Controller,
  Delete,
  type ExecutionContext,
  type ExceptionFilter,
  ForbiddenException,
  Get,
  HttpCode,
  HttpException,
  HttpStatus,
  Inject,
  Injectable,
  Module,
  type ModuleMetadata,
  type NestInterceptor,
  NotFoundException,
  ParseIntPipe,
  Post,
  Res,
  StreamableFile,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { APP_INTERCEPTOR, ApplicationConfig, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { currentRun, PerdureError, step } from '@perdure/core';
import {
  currentRequest,
  Durable,
  Idempotent,
  PerdureBindInterceptor,
  PerdureModule,
  type PerdureModuleOptions,
  PerdureProblemException,
  PerdureRunsModule,
  reply,
  Step,
  Workflow,
} from '@perdure/nestjs';
import { map, type Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { send, type Sent } from '../http/http-client.js';
import { gate } from '../support/gate.js';
import { closeAfterTest, freshOptions } from './nest-app.js';

interface Order {
  readonly id: number;
}

/** What responses of both platforms have. */
interface AnyResponse {
  header(name: string, value: string): unknown;
  send(body: unknown): unknown;
}

const platforms = [
  { platform: 'Express', adapter: () => new ExpressAdapter() },
  { platform: 'Fastify', adapter: () => new FastifyAdapter() },
] as const;

describe.each(platforms)('a Nest application on $platform', ({ adapter, platform }) => {
  async function serve(
    metadata: ModuleMetadata,
    { options = {}, filters = [] }: { options?: PerdureModuleOptions; filters?: readonly ExceptionFilter[] } = {},
  ) {
    const perdure = PerdureModule.forRoot({
      ...freshOptions(),
      http: { principal: (req: { headers: Record<string, string> }) => req.headers['x-user'], authorize: 'owner' },
      ...options,
    });

    @Module({ ...metadata, imports: [...(metadata.imports ?? []), perdure, PerdureRunsModule.forRoot()] })
    class AppModule {}

    const app = await NestFactory.create<NestFastifyApplication>(AppModule, adapter(), { logger: false });
    closeAfterTest(app);
    app.setGlobalPrefix('api');
    app.useGlobalFilters(...filters);
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    return { app, post: (path: string, sent?: Sent) => send(`${url}/api${path}`, sent) };
  }

  /** What was seen by a filter that renders exceptions in its own way. */
  function noting(seen: string[]): ExceptionFilter {
    @Catch(HttpException)
    class NotingFilter implements ExceptionFilter<HttpException> {
      catch(exception: HttpException, host: ArgumentsHost): void {
        seen.push(exception.name);
        const response = host.switchToHttp().getResponse<{ status(n: number): { send(body: unknown): void } }>();
        response.status(exception.getStatus()).send({ mine: exception.message, response: exception.getResponse() });
      }
    }
    return new NotingFilter();
  }

  class OrderMissing extends NotFoundException {
    constructor() {
      super('no such order');
      this.name = 'OrderMissing';
    }
  }

  class SoldOut extends Error {
    override readonly name = 'SoldOut';
  }

  it('shows its exception filters the exceptions of repeated requests', async () => {
    let calls = 0;

    @Workflow('nest http: fails')
    class Fails {
      async run(_order: Order): Promise<never> {
        calls += 1;
        throw new ConflictException({ reason: 'taken' }, 'is taken');
      }
    }

    @Controller()
    class Orders {
      @Post('known')
      @Idempotent()
      known(): never {
        calls += 1;
        throw new ConflictException('twice');
      }

      @Post('own')
      @Idempotent()
      own(): never {
        calls += 1;
        throw new OrderMissing();
      }

      @Post('workflow')
      @Durable(Fails)
      workflow(@Body() order: Order): Order {
        return order;
      }
    }

    const seen: string[] = [];
    const { post } = await serve({ controllers: [Orders], providers: [Fails] }, { filters: [noting(seen)] });
    const expected = {
      '/known': [409, { mine: 'twice', response: { message: 'twice', error: 'Conflict', statusCode: 409 } }],
      '/own': [404, { mine: 'no such order' }],
      '/workflow': [409, { response: { reason: 'taken' } }],
    };
    for (const [path, answer] of Object.entries(expected)) {
      const received = [
        await post(path, { key: '"k"', body: { id: 1 } }),
        await post(path, { key: '"k"', body: { id: 1 } }),
      ];
      for (const { status, json } of received) expect([status, json]).toMatchObject(answer);
      expect(received.map(({ headers }) => headers.get('idempotent-replayed'))).toEqual([null, 'true']);
      expect(received[0]!.text).toBe(received[1]!.text);
    }
    // A class that the engine cannot bring back: what the filter made of it is what is sent again.
    expect(seen).toEqual([
      'ConflictException',
      'ConflictException',
      'OrderMissing',
      'ConflictException',
      'ConflictException',
    ]);
    expect(calls).toBe(3);
  });

  it('answers errors that are no HttpException alike each time', async () => {
    let calls = 0;

    @Catch(SoldOut)
    class SoldOutFilter implements ExceptionFilter {
      catch(error: SoldOut, host: ArgumentsHost): void {
        const response = host.switchToHttp().getResponse<{ status(n: number): { send(body: unknown): void } }>();
        response.status(410).send({ error: error.message, isSame: error instanceof SoldOut });
      }
    }

    @Controller()
    class Orders {
      @Post('it')
      @Idempotent()
      own(): never {
        calls += 1;
        throw new SoldOut('lamps');
      }
    }

    for (const errors of [[], [SoldOut]]) {
      calls = 0;
      const { post } = await serve(
        { controllers: [Orders] },
        { filters: [new SoldOutFilter()], options: { ...freshOptions(), errors } },
      );
      const answers = [await post('/it', { key: '"k"' }), await post('/it', { key: '"k"' })];
      expect(answers.map(({ status, json }) => [status, json])).toEqual([
        [410, { error: 'lamps', isSame: true }],
        [410, { error: 'lamps', isSame: true }],
      ]);
      expect(calls).toBe(1);
    }
  });

  it('stores what interceptors further out have made of a value, and lets them complete for a repeated request', async () => {
    let completed = 0;

    @Injectable()
    class Wrapping implements NestInterceptor {
      intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
        return next.handle().pipe(
          map((value: Order | undefined) => {
            completed += 1;
            return { data: value };
          }),
        );
      }
    }

    @Controller()
    class Orders {
      #calls = 0;

      @Post('value')
      @HttpCode(HttpStatus.ACCEPTED)
      @Idempotent()
      value(@Body() order: Order): object {
        return { ...order, no: (this.#calls += 1) };
      }

      @Post('file')
      @Idempotent()
      file(): StreamableFile {
        return new StreamableFile(Buffer.from([0, 255, (this.#calls += 1)]), { type: 'image/x-test' });
      }

      @Post('passthrough')
      @Idempotent()
      passthrough(@Res({ passthrough: true }) response: { header(name: string, value: string): void }): object {
        response.header('location', '/orders/7');
        return { no: (this.#calls += 1) };
      }
    }

    const { post } = await serve({
      controllers: [Orders],
      providers: [{ provide: APP_INTERCEPTOR, useClass: Wrapping }],
    });
    for (const path of ['/value', '/passthrough']) {
      const [first, again] = [
        await post(path, { key: '"k"', body: { id: 7 } }),
        await post(path, { key: '"k"', body: { id: 7 } }),
      ];
      expect(first.json).toMatchObject({ data: { no: expect.any(Number) } });
      expect([again.status, again.text]).toEqual([first.status, first.text]);
      expect(first.status).toBe(path === '/value' ? 202 : 201);
      expect(again.headers.get('location')).toBe(path === '/value' ? null : '/orders/7');
      expect(again.headers.get('idempotent-replayed')).toBe('true');
    }
    expect(completed).toBe(4);
  });

  it('sends files again', async () => {
    let calls = 0;

    @Controller()
    class Files {
      @Post('it')
      @Idempotent()
      file(): StreamableFile {
        return new StreamableFile(Buffer.from(`call ${(calls += 1)}`), { type: 'text/x-test' });
      }
    }

    const { post } = await serve({ controllers: [Files] });
    const [first, again] = [await post('/it', { key: '"k"' }), await post('/it', { key: '"k"' })];
    expect([first.text, again.text]).toEqual(['call 1', 'call 1']);
    expect(again.headers.get('content-type')).toBe('text/x-test');
  });

  it('stores a whole file although its client leaves in the midst of it', async () => {
    const begun = gate();
    const left = gate();

    @Controller()
    class Files {
      @Post('it')
      @Idempotent({ handlerTimeoutMs: 10_000 })
      file(): StreamableFile {
        async function* source() {
          yield Buffer.from('one ');
          begun.open();
          await left.opened;
          yield Buffer.from('two');
        }
        return new StreamableFile(Readable.from(source()), { type: 'text/x-test' });
      }
    }

    const { app, post } = await serve({ controllers: [Files] });
    app.getHttpServer().on('connection', (socket: Socket) => socket.on('close', () => left.open()));
    const gone = request(`${await app.getUrl()}/api/it`, { method: 'POST', headers: { 'idempotency-key': '"k"' } });
    gone.on('error', () => {}).end();
    await begun.opened;
    gone.destroy();
    const again = await post('/it', { key: '"k"' });
    expect([again.status, again.text]).toEqual([201, 'one two']);
  });

  it.runIf(platform === 'Fastify')('answers requests that are injected, as tests do', async () => {
    let calls = 0;

    @Controller()
    class Counts {
      @Post('it')
      @Idempotent()
      count(): object {
        return { calls: (calls += 1) };
      }
    }

    const { app } = await serve({ controllers: [Counts] });
    for (const replayed of [undefined, 'true']) {
      const headers = { 'idempotency-key': '"k"' };
      const answer = await app.inject({ method: 'POST', url: '/api/it', headers });
      expect([answer.statusCode, answer.json()]).toEqual([201, { calls: 1 }]);
      expect(answer.headers['idempotent-replayed']).toBe(replayed);
    }
  });

  it('answers with the headers that guards have set, each time', async () => {
    @Injectable()
    class Remaining implements CanActivate {
      canActivate(context: ExecutionContext): boolean {
        context.switchToHttp().getResponse<AnyResponse>().header('x-remaining', '9');
        return true;
      }
    }

    @Workflow('nest http: headed')
    class Headed {
      async run(input: unknown): Promise<unknown> {
        return input;
      }
    }

    @Controller()
    @UseGuards(Remaining)
    class Orders {
      @Post('value')
      @Idempotent()
      value(): object {
        return { ok: true };
      }

      @Post('sent')
      @Idempotent()
      sent(@Res() response: AnyResponse): void {
        response.send({ ok: true });
      }

      @Post('durable')
      @Durable(Headed)
      durable(@Body() input: unknown): unknown {
        return input;
      }
    }

    const { post } = await serve({ controllers: [Orders], providers: [Headed] });
    for (const path of ['/value', '/sent', '/durable']) {
      for (const replayed of [null, 'true']) {
        const { headers, json } = await post(path, { key: '"k"', body: { ok: true } });
        const seen = [headers.get('x-remaining'), headers.get('idempotent-replayed'), json];
        expect([path, ...seen]).toEqual([path, '9', replayed, { ok: true }]);
      }
    }
  });

  it('takes no key for what guards refuse, nor for what pipes refuse before a workflow', async () => {
    let isLocked = true;

    @Injectable()
    class Lock implements CanActivate {
      canActivate(): boolean {
        return !isLocked;
      }
    }

    @Workflow('nest http: id')
    class Id {
      async run(id: number): Promise<number> {
        return id;
      }
    }

    @Controller()
    class Orders {
      @Post('guarded')
      @UseGuards(Lock)
      @Idempotent()
      guarded(): object {
        return { ok: true };
      }

      @Post('piped')
      @Durable(Id)
      piped(@Body('id', ParseIntPipe) id: number): number {
        if (id === 13) throw new BadRequestException('unlucky');
        return id;
      }
    }

    const { post } = await serve({ controllers: [Orders], providers: [Id] });
    expect((await post('/guarded', { key: '"k"', body: { id: 1 } })).status).toBe(403);
    isLocked = false;
    expect((await post('/guarded', { key: '"k"', body: { id: 2 } })).status).toBe(201);
    for (const id of ['x', 13]) expect((await post('/piped', { key: '"k"', body: { id } })).status).toBe(400);
    expect((await post('/piped', { key: '"k"', body: { id: 5 } })).text).toBe('5');
  });

  it('answers with what a workflow returns, a status that is set, or a reply', async () => {
    @Workflow('nest http: any')
    class Any {
      async run({ id }: Order): Promise<unknown> {
        if (id === 1) return { id };
        return id === 2 ? undefined : reply(201, { id }, { location: `/orders/${id}` });
      }
    }

    @Controller()
    class Orders {
      @Post('plain')
      @Durable(Any)
      plain(@Body() order: Order): Order {
        return order;
      }

      @Post('coded')
      @HttpCode(202)
      @Durable(Any)
      coded(@Body() order: Order): Order {
        return order;
      }
    }

    const { post } = await serve({ controllers: [Orders], providers: [Any] });
    const statuses = async (path: string) => {
      const answers = [];
      for (const id of [1, 2, 3]) answers.push((await post(path, { body: { id } })).status);
      return answers;
    };
    expect(await statuses('/plain')).toEqual([200, 204, 201]);
    expect(await statuses('/coded')).toEqual([202, 204, 201]);
  });

  it('names what any handler starts after the key of its request, and knows the request in workflows and steps', async () => {
    let calls = 0;

    @Workflow('nest http: bound')
    class Bound {
      async run(_order: Order): Promise<unknown> {
        return { requestId: await this.ask(), workflowId: currentRun()?.workflowId };
      }

      @Step()
      async ask(): Promise<string | undefined> {
        calls += 1;
        return currentRequest()?.requestId;
      }
    }

    @Controller()
    class Orders {
      constructor(@Inject(Bound) private readonly bound: Bound) {}

      @Post('it')
      async create(@Body() order: Order): Promise<unknown> {
        return await this.bound.run(order);
      }
    }

    const { post } = await serve({ controllers: [Orders], providers: [Bound] });
    const sent = { key: '"k"', body: { id: 1 }, headers: { 'x-request-id': 'request-1' } };
    const [first, again] = [await post('/it', sent), await post('/it', sent)];
    expect(first.json).toEqual({
      requestId: 'request-1',
      workflowId: expect.stringMatching(/^h_.*~nest http: bound$/),
    });
    expect(again.text).toBe(first.text);
    expect(calls).toBe(1);
    const other = await post('/it', { ...sent, body: { id: 2 } });
    expect([other.status, other.json]).toMatchObject([422, { code: 'key-reused' }]);
    expect(other.headers.get('content-type')).toBe('application/problem+json');
  });

  it('has endpoints about runs below its prefix, for the owner alone', async () => {
    @Workflow('nest http: long')
    class Long {
      async run(order: Order): Promise<unknown> {
        return await step.run('echo', () => order);
      }
    }

    @Controller()
    class Orders {
      @Post('orders')
      @Durable(Long, { mode: 'async' })
      create(@Body() order: Order): Order {
        return order;
      }

      @Delete('other')
      @Idempotent()
      remove(): object {
        return { removed: true };
      }

      @Get('other')
      get(): never {
        throw new ForbiddenException();
      }
    }

    const { app, post } = await serve({ controllers: [Orders], providers: [Long] });
    const started = await post('/orders', { user: 'alice', body: { id: 7 } });
    expect(started.status).toBe(202);
    const location = started.headers.get('location')!;
    expect(location).toMatch(/^\/api\/runs\/h_/);
    const url = await app.getUrl();
    const ask = (user: string) => send(`${url}${location}/result?wait=20`, { method: 'GET', key: null, user });
    expect([(await ask('alice')).json, (await ask('mallory')).status]).toEqual([{ id: 7 }, 404]);
    const status = await send(`${url}${location}`, { method: 'GET', key: null, user: 'alice' });
    expect([status.status, status.headers.get('location')]).toEqual([303, `${location}/result`]);
    expect((await post('/other', { method: 'DELETE' })).json).toEqual({ removed: true });
    expect((await post('/other', { method: 'GET' })).status).toBe(403);
  });

  it('shows its filters what is wrong with a request', async () => {
    @Controller()
    class Orders {
      @Post('it')
      @Idempotent()
      create(): object {
        return {};
      }
    }

    const seen: string[] = [];
    const { post } = await serve({ controllers: [Orders] }, { filters: [noting(seen)] });
    const missing = await post('/it', { key: null });
    expect([missing.status, missing.json]).toMatchObject([400, { response: { code: 'key-missing' } }]);
    expect(seen).toEqual([PerdureProblemException.name]);
  });

  it('has no interceptor for requests that ask for nothing, which would cost each of them', async () => {
    @Controller()
    class Orders {
      @Post('it')
      create(): object {
        return { request: currentRequest()?.requestId };
      }
    }

    const { app, post } = await serve({ controllers: [Orders] });
    expect(app.get(ApplicationConfig).getGlobalInterceptors()).toEqual([]);
    const plain = await post('/it', { key: null, headers: { 'x-request-id': 'request-1' } });
    expect(plain.json).toEqual({ request: 'request-1' });
  });

  it('shows filters the errors of what a handler starts as they are, or as exceptions where it is asked to', async () => {
    @Workflow('nest http: seen by filters')
    class Seen {
      async run(order: Order): Promise<Order> {
        return await Promise.resolve(order);
      }
    }

    @Controller()
    class Orders {
      constructor(@Inject(Seen) readonly seen: Seen) {}

      @Post('plain')
      async plain(@Body() order: Order): Promise<Order> {
        return await this.seen.run(order);
      }

      @Post('bound')
      @UseInterceptors(PerdureBindInterceptor)
      async bound(@Body() order: Order): Promise<Order> {
        return await this.plain(order);
      }
    }

    const seen: string[] = [];

    @Catch()
    class Everything implements ExceptionFilter<Error> {
      catch(error: Error, host: ArgumentsHost): void {
        seen.push(error instanceof PerdureError ? error.code : error.name);
        const status = error instanceof HttpException ? error.getStatus() : 500;
        const response = host.switchToHttp().getResponse<{ status(n: number): { send(body: unknown): void } }>();
        response.status(status).send({});
      }
    }

    const { post } = await serve({ controllers: [Orders], providers: [Seen] }, { filters: [new Everything()] });
    const statuses: number[] = [];
    for (const path of ['/plain', '/bound']) {
      for (const id of [1, 2]) statuses.push((await post(path, { key: `"${path}"`, body: { id } })).status);
    }
    expect(statuses).toEqual([201, 500, 201, 422]);
    expect(seen).toEqual(['PERDURE_WORKFLOW_CONFLICT', PerdureProblemException.name]);
  });
});
