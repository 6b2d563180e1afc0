import type { ExecutionContext, ModuleMetadata } from '@nestjs/common';
import { Args, GraphQLModule, Int, Mutation, Query, Resolver } from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { step, workflow } from '@perdure/core';
import { currentRequest, Durable, Idempotent, Step, Workflow } from '@perdure/nestjs';
import { describe, expect, it } from 'vitest';
import { send, type Sent } from '../http/http-client.js';
import { closeAfterTest, compile, freshOptions } from './nest-app.js';

interface Answer {
  readonly data: Record<string, unknown> | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: Record<string, unknown> }[];
}

interface AskingRequest {
  readonly headers: Readonly<Record<string, string>>;
}

/** An application with these resolvers, and what asks it. */
async function serve(metadata: ModuleMetadata): Promise<(query: string, sent?: Sent) => Promise<Answer>> {
  const graphql = GraphQLModule.forRoot<MercuriusDriverConfig>({ driver: MercuriusDriver, autoSchemaFile: true });
  const module = await compile(
    { ...metadata, imports: [graphql, ...(metadata.imports ?? [])] },
    {
      ...freshOptions(),
      http: {
        principal: (request: AskingRequest) => request.headers['x-user'],
        context: (request: AskingRequest) => ({ user: request.headers['x-user'] }),
      },
    },
  );
  const app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
  closeAfterTest(app);
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  return async (query, sent) => (await send(`${url}/graphql`, { key: null, ...sent, body: { query } })).json as Answer;
}

const keyResolver = (context: ExecutionContext) => context.getArgByIndex<{ readonly key?: string }>(1).key;

describe('a mutation', () => {
  it('is done once for each key and principal, and knows whose request it is', async () => {
    let calls = 0;

    @Resolver()
    class Orders {
      @Query(() => Int)
      calls(): number {
        return calls;
      }

      @Mutation(() => String)
      @Idempotent({ keyResolver })
      order(
        @Args('n', { type: () => Int }) n: number,
        @Args('key', { type: () => String, nullable: true }) _key: string | null,
      ): string {
        calls += 1;
        return `${n} for ${String(currentRequest()?.['user'])} in ${currentRequest()?.requestId}, call ${calls}`;
      }
    }

    const ask = await serve({ providers: [Orders] });
    const alice = { user: 'alice', headers: { 'x-request-id': 'request-1' } };
    const first = await ask('mutation { order(n: 1, key: "k") }', alice);
    expect(first).toEqual({ data: { order: '1 for alice in request-1, call 1' } });
    expect(await ask('mutation { order(n: 1, key: "k") }', { user: 'alice' })).toEqual(first);
    expect(await ask('mutation { order(n: 1, key: "k") }', { user: 'bob' })).toMatchObject({
      data: { order: expect.stringMatching(/^1 for bob in .*, call 2$/) },
    });

    const reused = await ask('mutation { order(n: 2, key: "k") }', alice);
    expect(reused).toMatchObject({ data: null, errors: [{ extensions: { code: 'key-reused', status: 422 } }] });
    const missing = await ask('mutation { order(n: 2) }', alice);
    expect(missing).toMatchObject({ errors: [{ extensions: { code: 'key-missing', status: 400 } }] });
    expect(await ask('{ calls }')).toEqual({ data: { calls: 2 } });
  });

  it('without a key knows whose request it is, and so does what it starts', async () => {
    const who = workflow('nest graphql: who', async () => step.run('ask', () => String(currentRequest()?.['user'])));

    @Resolver()
    class Orders {
      @Query(() => String)
      none(): string {
        return 'none';
      }

      @Mutation(() => String)
      async order(): Promise<string> {
        const run = await who.start();
        return `${String(currentRequest()?.['user'])}, ${await run.result()}, ${run.workflowId.length}`;
      }
    }

    const ask = await serve({ providers: [Orders] });
    const answer = await ask('mutation { a: order b: order }', { user: 'alice' });
    expect(answer).toEqual({ data: { a: 'alice, alice, 36', b: 'alice, alice, 36' } });
  });

  it('has its own key beside others of one request', async () => {
    let calls = 0;

    @Resolver()
    class Orders {
      @Query(() => Int)
      calls(): number {
        return calls;
      }

      @Mutation(() => Int)
      @Idempotent({ keyResolver })
      order(@Args('key', { type: () => String }) _key: string): number {
        return (calls += 1);
      }

      @Mutation(() => Int)
      @Idempotent({ keyResolver })
      refund(@Args('key', { type: () => String }) _key: string): number {
        return (calls += 1);
      }
    }

    const ask = await serve({ providers: [Orders] });
    const query = 'mutation { a: order(key: "k") again: order(key: "k") b: order(key: "l") c: refund(key: "k") }';
    const first = await ask(query);
    expect(first).toEqual({ data: { a: 1, again: 1, b: 2, c: 3 } });
    expect(await ask(query)).toEqual(first);
  });

  it('can be a workflow, and throws for a repeated call what it threw first', async () => {
    let steps = 0;

    @Workflow('nest graphql: order')
    class Order {
      async run(n: number): Promise<number> {
        return await this.double(n);
      }

      @Step()
      async double(n: number): Promise<number> {
        steps += 1;
        if (n === 13) throw new Error(`unlucky ${steps}`);
        return n * 2;
      }
    }

    @Resolver()
    class Orders {
      @Query(() => Int)
      steps(): number {
        return steps;
      }

      @Mutation(() => Int)
      @Durable(Order, { keyResolver })
      order(@Args('n', { type: () => Int }) n: number, @Args('key', { type: () => String }) _key: string): number {
        return n;
      }
    }

    const ask = await serve({ providers: [Order, Orders] });
    for (let time = 1; time <= 2; time += 1) {
      expect(await ask('mutation { order(n: 21, key: "k") }')).toEqual({ data: { order: 42 } });
      expect(await ask('mutation { order(n: 13, key: "l") }')).toMatchObject({ errors: [{ message: 'unlucky 2' }] });
    }
    expect(steps).toBe(2);
  });
});
