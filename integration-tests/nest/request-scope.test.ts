import { Body, Controller, Inject, Injectable, Post, Scope } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { type Perdure, step } from '@perdure/core';
import { crash } from '@perdure/core/internal';
import {
  currentRequest,
  Durable,
  getPerdureToken,
  Step,
  Workflow,
  WorkflowRegistry,
  WorkflowRequest,
} from '@perdure/nestjs';
import { describe, expect, it } from 'vitest';
import { send } from '../http/http-client.js';
import { gate } from '../support/gate.js';
import { compile, freshOptions, launching } from './nest-app.js';

describe('a workflow that is request-scoped', () => {
  @Injectable({ scope: Scope.REQUEST })
  class Tenant {
    constructor(@Inject(REQUEST) readonly request: WorkflowRequest) {}
  }

  @Workflow('nest: scoped')
  @Injectable()
  class Scoped {
    constructor(private readonly tenant: Tenant) {}

    async run(n: number): Promise<unknown> {
      const { workflowId, workflowName, args } = this.tenant.request;
      await this.wait();
      return { workflowId, workflowName, args, n };
    }

    @Step()
    async wait(): Promise<void> {}
  }

  it('gets an instance for each run, and the run as its REQUEST', async () => {
    const app = await compile({ providers: [Tenant, Scoped] });
    await app.init();
    const scoped = app.get(WorkflowRegistry).get(Scoped);
    const results = await Promise.all(
      ['a', 'b'].map((workflowId, no) => scoped.with({ workflowId: `scoped-${workflowId}` })(no)),
    );
    expect(results).toEqual([
      { workflowId: 'scoped-a', workflowName: 'nest: scoped', args: [0], n: 0 },
      { workflowId: 'scoped-b', workflowName: 'nest: scoped', args: [1], n: 1 },
    ]);
    const instance = await app.resolve(Scoped);
    await expect(instance.run(1)).rejects.toThrow(/@InjectWorkflow\(Scoped\)/);
  });

  it('finds its REQUEST in a run that is recovered', async () => {
    const reached = gate();
    let tries = 0;

    @Workflow('nest: scoped crash')
    @Injectable()
    class ScopedCrash {
      constructor(private readonly tenant: Tenant) {}

      async run(_n: number): Promise<unknown> {
        await step.run('once', async () => {
          tries += 1;
          if (tries === 1) {
            reached.open();
            await new Promise(() => {});
          }
        });
        return { id: this.tenant.request.workflowId, args: this.tenant.request.args };
      }
    }

    const options = { ...freshOptions(), lease: 600, poll: 100 };
    const crashing = launching();
    const first = await compile({ providers: [Tenant, ScopedCrash] }, { ...options, launch: crashing.launch });
    await first.init();
    await first.get(WorkflowRegistry).get(ScopedCrash).with({ workflowId: 'scoped-1' }).start(42);
    await reached.opened;
    await crashing.perdure[crash]();
    const second = await compile({ providers: [Tenant, ScopedCrash] }, options);
    await second.init();
    expect(await second.get<Perdure>(getPerdureToken()).run('scoped-1').result()).toEqual({
      id: 'scoped-1',
      args: [42],
    });
    expect(tries).toBe(2);
  });

  it('finds in its REQUEST whose request it was, also in a run that is recovered', async () => {
    const reached = gate();
    const tenants: unknown[] = [];

    @Injectable()
    class Audit {
      @Step()
      async note(tenant: unknown): Promise<void> {
        tenants.push([tenant, currentRequest()?.['tenant']]);
        if (tenants.length > 1) return;
        reached.open();
        await new Promise(() => {});
      }
    }

    @Workflow('nest: scoped request')
    @Injectable()
    class ScopedRequest {
      constructor(
        private readonly tenant: Tenant,
        private readonly audit: Audit,
      ) {}

      async run(n: number): Promise<unknown> {
        const { args, context } = this.tenant.request;
        await this.audit.note(context?.['tenant']);
        return { n, args, tenant: context?.['tenant'], requestId: context?.requestId };
      }
    }

    @Controller()
    class Orders {
      @Post('it')
      @Durable(ScopedRequest, { mode: 'async' })
      create(@Body() { n }: { readonly n: number }): number {
        return n;
      }
    }

    const metadata = { controllers: [Orders], providers: [Tenant, Audit, ScopedRequest] };
    const http = {
      context: (request: { readonly headers: Record<string, string> }) => ({ tenant: request.headers['x-tenant'] }),
    };
    const options = { ...freshOptions(), http, lease: 600, poll: 100 };
    const crashing = launching();
    const first = (await compile(metadata, { ...options, launch: crashing.launch })).createNestApplication(
      new ExpressAdapter(),
    );
    await first.listen(0, '127.0.0.1');
    const headers = { 'x-tenant': 'acme', 'x-request-id': 'request-1' };
    const accepted = await send(`${await first.getUrl()}/it`, { body: { n: 42 }, headers });
    expect(accepted.status).toBe(202);
    await reached.opened;
    await crashing.perdure[crash]();
    const second = await compile(metadata, options);
    await second.init();
    const { id } = accepted.json as { readonly id: string };
    expect(await second.get<Perdure>(getPerdureToken()).run(id).result()).toEqual({
      n: 42,
      args: [42],
      tenant: 'acme',
      requestId: 'request-1',
    });
    expect(tenants).toEqual([
      ['acme', 'acme'],
      ['acme', 'acme'],
    ]);
  });
});
