import type { AddressInfo, Server } from 'node:net';
import { Controller, type ExecutionContext, type LoggerService, type ModuleMetadata } from '@nestjs/common';
import {
  type ClientProxy,
  ClientProxyFactory,
  EventPattern,
  MessagePattern,
  Payload,
  RpcException,
  ServerTCP,
  Transport,
} from '@nestjs/microservices';
import { crash } from '@perdure/core/internal';
import { currentRun, workflow } from '@perdure/core';
import { Durable, Idempotent, type PerdureModuleOptions, Step, Workflow } from '@perdure/nestjs';
import { lastValueFrom } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { gate } from '../support/gate.js';
import { closeAfterTest, compile, freshOptions, launching } from './nest-app.js';

interface Charge {
  readonly key?: string;
  readonly user?: string;
  readonly cents: number;
}

class TcpOnAnyPort extends ServerTCP {
  constructor() {
    super({ host: '127.0.0.1' });
    // Nest 10 takes an option of 0 for one that was left out.
    Object.assign(this, { port: 0 });
  }

  get boundPort(): number {
    return ((this as unknown as { readonly server: Server }).server.address() as AddressInfo).port;
  }
}

/** A microservice, and a client that is connected to it. */
async function serve(
  metadata: ModuleMetadata,
  {
    nestLogger = false,
    ...options
  }: PerdureModuleOptions & { readonly nestLogger?: LoggerService | false } = freshOptions(),
): Promise<ClientProxy> {
  const strategy = new TcpOnAnyPort();
  const app = (await compile(metadata, options)).createNestMicroservice({ strategy, logger: nestLogger });
  closeAfterTest(app);
  await app.listen();
  const client = ClientProxyFactory.create({
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port: strategy.boundPort },
  });
  onTestFinished(() => void client.close());
  return client;
}

const keyResolver = (context: ExecutionContext) => context.switchToRpc().getData<Charge>().key;
const principalResolver = (context: ExecutionContext) => context.switchToRpc().getData<Charge>().user;

const ask = (client: ClientProxy, pattern: string, charge: Charge): Promise<unknown> =>
  lastValueFrom(client.send<unknown>(pattern, charge));

/** What a client gets to know of an error. */
const refusal = (client: ClientProxy, pattern: string, charge: Charge): Promise<unknown> =>
  ask(client, pattern, charge).then(
    (value) => expect.unreachable(`answered with ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );

describe('a message handler', () => {
  it('answers a repeated message with what it answered first, to each sender', async () => {
    let calls = 0;
    const double = workflow('nest messages: double', async (n: number) => `${n * 2} in ${currentRun()?.workflowId}`);

    @Controller()
    class Payments {
      @MessagePattern('charge')
      @Idempotent({ keyResolver, principalResolver })
      async charge(@Payload() { user, cents }: Charge): Promise<unknown> {
        return { user, cents, no: (calls += 1), doubled: await double(cents), nothing: null };
      }

      @MessagePattern('text')
      @Idempotent({ keyResolver, principalResolver, required: false })
      text(): string {
        return `call ${(calls += 1)}`;
      }
    }

    const client = await serve({ controllers: [Payments] });
    const alice = { key: 'k', user: 'alice', cents: 5 };
    const first = await ask(client, 'charge', alice);
    // What the handler starts is named after the key, as in a request.
    expect(first).toEqual({
      user: 'alice',
      cents: 5,
      no: 1,
      doubled: expect.stringMatching(/^10 in h_.*~nest messages: double$/),
      nothing: null,
    });
    expect(await ask(client, 'charge', alice)).toEqual(first);
    expect(await ask(client, 'charge', { ...alice, user: 'bob' })).toMatchObject({ user: 'bob', no: 2 });
    expect(calls).toBe(2);

    expect(await refusal(client, 'charge', { ...alice, cents: 6 })).toMatchObject({ status: 422, code: 'key-reused' });
    expect(await refusal(client, 'charge', { cents: 6 })).toMatchObject({ status: 400, code: 'key-missing' });
    expect(calls).toBe(2);

    // Another pattern has keys of its own; without one, where that may be, each message is a new one.
    const answers = [];
    for (const key of ['k', 'k', undefined, undefined]) {
      answers.push(await ask(client, 'text', { cents: 5, ...(key === undefined ? {} : { key }) }));
    }
    expect(answers).toEqual(['call 3', 'call 3', 'call 4', 'call 5']);
  });

  it('handles one of many equal messages that come at once', async () => {
    let calls = 0;
    const mayEnd = gate();

    @Controller()
    class Payments {
      @MessagePattern('charge')
      @Idempotent({ keyResolver })
      async charge(): Promise<number> {
        calls += 1;
        await mayEnd.opened;
        return calls;
      }

      @MessagePattern('impatient')
      @Idempotent({ keyResolver, onConcurrent: 'conflict' })
      async impatient(): Promise<void> {
        await mayEnd.opened;
      }
    }

    const client = await serve({ controllers: [Payments] });
    const charge = { key: 'k', cents: 5 };
    const answers = Array.from({ length: 20 }, () => ask(client, 'charge', charge));
    await expect.poll(() => calls).toBe(1);
    const two = [refusal(client, 'impatient', charge), refusal(client, 'impatient', charge)].map((it) =>
      it.catch(() => 'answered'),
    );
    expect(await Promise.race(two)).toMatchObject({ status: 409, code: 'concurrent-request' });
    mayEnd.open();
    expect(new Set(await Promise.all(answers))).toEqual(new Set([1]));
    await Promise.all(two);
  });

  it('handles an event once, however often it is delivered', async () => {
    const handled: number[] = [];

    @Controller()
    class Payments {
      @EventPattern('charged')
      @Idempotent({ keyResolver })
      note({ cents }: Charge): void {
        handled.push(cents);
      }
    }

    const client = await serve({ controllers: [Payments] });
    for (const charge of [
      { key: 'a', cents: 1 },
      { key: 'a', cents: 1 },
      { key: 'b', cents: 2 },
    ])
      await lastValueFrom(client.emit('charged', charge), { defaultValue: null });
    await expect.poll(() => handled).toEqual([1, 2]);
  });

  it('throws for a repeated message what it threw first', async () => {
    let calls = 0;

    @Controller()
    class Payments {
      @MessagePattern('charge')
      @Idempotent({ keyResolver })
      charge(): never {
        calls += 1;
        throw new RpcException({ code: 'declined', calls });
      }
    }

    const client = await serve({ controllers: [Payments] }, { ...freshOptions(), errors: [RpcException] });
    const charge = { key: 'k', cents: 5 };
    const errors = [await refusal(client, 'charge', charge), await refusal(client, 'charge', charge)];
    expect(errors).toEqual([
      { code: 'declined', calls: 1 },
      { code: 'declined', calls: 1 },
    ]);
  });

  it('has a workflow that goes on in another process, where the message is sent again', async () => {
    const reached = gate();
    const seen: string[] = [];

    @Workflow('nest messages: charge')
    class Charging {
      async run({ cents }: Charge): Promise<string> {
        return `${await this.reserve()} ${await this.charge(cents)}`;
      }

      @Step()
      async reserve(): Promise<string> {
        seen.push('reserve');
        return 'reserved';
      }

      @Step()
      async charge(cents: number): Promise<string> {
        seen.push('charge');
        if (seen.length === 2) {
          reached.open();
          await new Promise(() => {});
        }
        return `charged ${cents}`;
      }
    }

    @Controller()
    class Payments {
      @MessagePattern('charge')
      @Durable(Charging, { keyResolver })
      charge(@Payload() charge: Charge): Charge {
        return charge;
      }
    }

    const metadata = { controllers: [Payments], providers: [Charging] };
    const options = { ...freshOptions(), lease: 600, poll: 100 };
    const crashing = launching();
    const first = await serve(metadata, { ...options, launch: crashing.launch });
    const charge = { key: 'k', cents: 5 };
    ask(first, 'charge', charge).catch(() => {});
    await reached.opened;
    await crashing.perdure[crash]();
    const second = await serve(metadata, options);
    expect(await ask(second, 'charge', charge)).toBe('reserved charged 5');
    expect(seen).toEqual(['reserve', 'charge', 'charge']);
  });

  it('has to say where the key is, and who sends, where that makes a difference', async () => {
    @Controller()
    class Payments {
      @MessagePattern('no resolver')
      @Idempotent()
      noResolver(): void {}

      @MessagePattern('no principal')
      @Idempotent({ keyResolver })
      noPrincipal(): void {}
    }

    const seen: string[] = [];
    const logger = { log() {}, warn() {}, error: (error: unknown) => seen.push(String(error)) };
    const options = { ...freshOptions(), http: { principal: () => 'alice' } };
    const client = await serve({ controllers: [Payments] }, { ...options, nestLogger: logger });
    for (const pattern of ['no resolver', 'no principal']) {
      expect(await refusal(client, pattern, { key: 'k', cents: 1 })).toMatchObject({ status: 'error' });
    }
    expect(seen).toEqual([
      expect.stringMatching(/Payments.noResolver is not called by an HTTP request.*keyResolver/),
      expect.stringMatching(/cannot tell who sent a message.*principalResolver/),
    ]);
  });
});
