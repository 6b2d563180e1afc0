import { Body, Controller, Injectable, Post } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { Perdure } from '@perdure/core';
import { crash } from '@perdure/core/internal';
import { Durable, getPerdureToken, PerdureRunner, Schedule, Step, Workflow, WorkflowRegistry } from '@perdure/nestjs';
import { ClsPluginPerdure } from '@perdure/nestjs/cls';
import { ClsModule, ClsService } from 'nestjs-cls';
import { describe, expect, it } from 'vitest';
import { send } from '../http/http-client.js';
import { gate } from '../support/gate.js';
import { compile, freshOptions, launching } from './nest-app.js';

interface AskingRequest {
  readonly headers: Readonly<Record<string, string>>;
}

/** As applications have it: filled by a middleware from each request. */
const clsModule = () =>
  ClsModule.forRoot({
    global: true,
    middleware: {
      mount: true,
      generateId: true,
      idGenerator: (request: AskingRequest) => request.headers['x-request-id']!,
      setup: (cls, request: AskingRequest) => {
        cls.set('tenant', request.headers['x-tenant']);
        cls.set('user', { name: request.headers['x-user'], password: 'secret' });
      },
    },
    plugins: [new ClsPluginPerdure({ keys: ['tenant', 'user.name', 'locale'] })],
  });

/** What a service anywhere below a workflow gets to know. */
@Injectable()
class Surroundings {
  constructor(private readonly cls: ClsService) {}

  seen(): unknown {
    const { cls } = this;
    return cls.isActive() ? { id: cls.getId(), tenant: cls.get('tenant'), user: cls.get('user') } : 'none';
  }

  change(): void {
    if (this.cls.isActive()) this.cls.set('tenant', 'changed');
  }
}

describe('the store of nestjs-cls', () => {
  it('is known in workflows and steps, by the keys that are named, also in a run that is recovered', async () => {
    const reached = gate();
    const seen: unknown[] = [];

    @Workflow('nest cls: order')
    @Injectable()
    class Order {
      constructor(private readonly surroundings: Surroundings) {}

      async run(_n: number): Promise<unknown> {
        await this.note();
        await this.note();
        return this.surroundings.seen();
      }

      @Step()
      async note(): Promise<void> {
        seen.push(this.surroundings.seen());
        // Another step begins with what is stored.
        this.surroundings.change();
        if (seen.length !== 2) return;
        reached.open();
        await new Promise(() => {});
      }
    }

    @Controller()
    class Orders {
      @Post('it')
      @Durable(Order, { mode: 'async' })
      create(@Body() { n }: { readonly n: number }): number {
        return n;
      }
    }

    const metadata = () => ({ imports: [clsModule()], controllers: [Orders], providers: [Surroundings, Order] });
    const options = { ...freshOptions(), lease: 600, poll: 100 };
    const crashing = launching();
    const first = (await compile(metadata(), { ...options, launch: crashing.launch })).createNestApplication(
      new ExpressAdapter(),
    );
    await first.listen(0, '127.0.0.1');
    const headers = { 'x-tenant': 'acme', 'x-request-id': 'request-1' };
    const accepted = await send(`${await first.getUrl()}/it`, { body: { n: 1 }, user: 'alice', headers });
    expect(accepted.status).toBe(202);
    await reached.opened;
    await crashing.perdure[crash]();
    const second = await compile(metadata(), options);
    await second.init();
    const { id } = accepted.json as { readonly id: string };
    const expected = { id: 'request-1', tenant: 'acme', user: { name: 'alice' } };
    expect(await second.get<Perdure>(getPerdureToken()).run(id).result()).toEqual(expected);
    expect(seen).toEqual([expected, expected, expected]);
  });

  it('is none in runs that nobody asked for', async () => {
    const seen: unknown[] = [];

    @Schedule('nest cls: often', { every: '1s' })
    @Workflow('nest cls: scheduled')
    @Injectable()
    class Scheduled {
      constructor(private readonly surroundings: Surroundings) {}

      async run(): Promise<void> {
        seen.push(this.surroundings.seen());
      }
    }

    const app = await compile({ imports: [clsModule()], providers: [Surroundings, Scheduled] });
    await app.init();
    await app.get(WorkflowRegistry).get(Scheduled)();
    await expect.poll(() => seen.length).toBeGreaterThan(1);
    expect(new Set(seen)).toEqual(new Set(['none']));
  });

  it('cannot be carried by an engine that is launched already', async () => {
    const app = await compile({});
    await app.init();
    const late = { name: 'late', capture: () => undefined, run: <T>(_value: unknown, fn: () => T) => fn() };
    expect(() => app.get(PerdureRunner).carry(late)).toThrow(/The carrier "late" comes too late/);
  });
});
