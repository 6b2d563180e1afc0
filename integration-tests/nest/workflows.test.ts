import { Inject, Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { currentRun, type Perdure, type Queue, type Slot, sleep, step, workflow } from '@perdure/core';
import { crash } from '@perdure/core/internal';
import {
  getPerdureOptionsToken,
  getPerdureToken,
  getQueueToken,
  getWorkflowToken,
  InjectPerdure,
  InjectQueue,
  InjectWorkflow,
  PerdureModule,
  PerdureRunner,
  Schedule,
  Step,
  Workflow,
  type WorkflowOf,
  WorkflowRegistry,
} from '@perdure/nestjs';
import { describe, expect, it } from 'vitest';
import { gate } from '../support/gate.js';
import { closeAfterTest, compile, freshOptions, launching } from './nest-app.js';

@Injectable()
class Ledger {
  readonly lines: string[] = [];
}

@Injectable()
class PaymentsService {
  constructor(private readonly ledger: Ledger) {}

  @Step('charge', { retries: 2 })
  async charge(cents: number): Promise<string> {
    this.ledger.lines.push(`charge ${cents}`);
    return `payment ${currentRun()?.step?.name}`;
  }
}

@Workflow('nest: checkout')
@Injectable()
class CheckoutWorkflow {
  constructor(
    private readonly payments: PaymentsService,
    private readonly ledger: Ledger,
  ) {}

  async run(cents: number): Promise<string> {
    const payment = await this.payments.charge(cents);
    return await this.ship(payment);
  }

  @Step()
  async ship(payment: string): Promise<string> {
    this.ledger.lines.push('ship');
    return `shipped for ${payment} in ${currentRun()?.step?.name}`;
  }
}

@Injectable()
class Shop {
  constructor(
    readonly checkout: CheckoutWorkflow,
    @InjectWorkflow(CheckoutWorkflow) readonly handle: WorkflowOf<typeof CheckoutWorkflow>,
    @InjectPerdure() readonly perdure: Perdure,
  ) {}
}

const shopProviders = [Ledger, PaymentsService, CheckoutWorkflow, Shop];

describe('a workflow that is a provider', () => {
  it('runs with its dependencies, and records the steps of any provider once', async () => {
    const app = await compile({ providers: shopProviders });
    await app.init();
    const shop = app.get(Shop);
    expect(await shop.checkout.run(5)).toBe('shipped for payment charge in ship');
    const run = await shop.handle.with({ workflowId: 'order-1' }).start(7);
    expect(await run.result()).toBe('shipped for payment charge in ship');
    expect(await shop.handle.with({ workflowId: 'order-1' })(7)).toBe('shipped for payment charge in ship');
    expect(await shop.perdure.run('order-1').status()).toMatchObject({ name: 'nest: checkout', status: 'completed' });
    expect(app.get(Ledger).lines).toEqual(['charge 5', 'ship', 'charge 7', 'ship']);
  });

  it('is an ordinary object where no application is', async () => {
    const ledger = new Ledger();
    const checkout = new CheckoutWorkflow(new PaymentsService(ledger), ledger);
    expect(await checkout.run(5)).toBe('shipped for payment undefined in undefined');
  });

  it('gets what a test overrides, in its steps too', async () => {
    const fake = { charge: async () => 'nothing' };
    const app = await compile(
      { providers: shopProviders },
      { ...freshOptions(), change: (builder) => builder.overrideProvider(PaymentsService).useValue(fake) },
    );
    await app.init();
    expect(await app.get(CheckoutWorkflow).run(5)).toBe('shipped for nothing in ship');
  });

  it('can itself be overridden where it is injected, as can queues, and the options of the engine', async () => {
    @Injectable()
    class Caller {
      constructor(
        @InjectWorkflow(CheckoutWorkflow) readonly checkout: WorkflowOf<typeof CheckoutWorkflow>,
        @InjectQueue('nest-overridden') readonly queue: Pick<Queue, 'enqueue'>,
        readonly payments: PaymentsService,
      ) {}
    }

    const enqueued: unknown[] = [];
    const imports = [
      PerdureModule.registerQueue('nest-overridden'),
      PerdureModule.forRoot({ databaseUrl: 'postgres://nobody@127.0.0.1:1/none' }),
    ];
    const app = await Test.createTestingModule({ imports, providers: [...shopProviders, Caller] })
      .overrideProvider(getPerdureOptionsToken())
      .useValue(freshOptions())
      .overrideProvider(getWorkflowToken(CheckoutWorkflow))
      .useValue(async (cents: number) => `no checkout of ${cents}`)
      .overrideProvider(getQueueToken('nest-overridden'))
      .useValue({ enqueue: async (_work: unknown, ...args: unknown[]) => enqueued.push(...args) })
      .compile();
    closeAfterTest(app);
    await app.init();
    const { checkout, queue, payments } = app.get(Caller);
    expect(await checkout(5)).toBe('no checkout of 5');
    await queue.enqueue(checkout, 7);
    expect(enqueued).toEqual([7]);
    expect(await payments.charge(1)).toBe('payment undefined');
    // What is injected is replaced; the workflow itself is there as before.
    expect(await app.get(CheckoutWorkflow).run(5)).toBe('shipped for payment charge in ship');
  });

  it('goes on in another application after a crash, without repeating what is recorded', async () => {
    const reached = gate();
    const seen: string[] = [];

    @Injectable()
    class Steps {
      @Step()
      async first(): Promise<number> {
        seen.push('first');
        return 1;
      }

      @Step()
      async second(): Promise<number> {
        seen.push('second');
        if (seen.length === 2) {
          reached.open();
          await new Promise(() => {});
        }
        return 2;
      }
    }

    @Workflow('nest: crashing')
    @Injectable()
    class Crashing {
      constructor(private readonly steps: Steps) {}

      async run(): Promise<number> {
        return (await this.steps.first()) + (await this.steps.second());
      }
    }

    const options = { ...freshOptions(), lease: 600, poll: 100 };
    const crashing = launching();
    const first = await compile({ providers: [Steps, Crashing] }, { ...options, launch: crashing.launch });
    await first.init();
    void first
      .get(Crashing)
      .run()
      .catch(() => {});
    await reached.opened;
    await crashing.perdure[crash]();
    const second = await compile({ providers: [Steps, Crashing] }, options);
    await second.init();
    await expect.poll(() => seen).toEqual(['first', 'second', 'second']);
  });

  it('calls another one as a child, and starts functions on the engine of its application', async () => {
    const double = workflow('nest: double', async (n: number) => step.run('double', () => n * 2));

    @Workflow('nest: child')
    class Child {
      async run(n: number): Promise<string | undefined> {
        return `${await double(n)} in ${currentRun()?.workflowId}`;
      }
    }

    @Workflow('nest: parent')
    @Injectable()
    class Parent {
      constructor(@Inject(Child) private readonly child: Child) {}

      async run(n: number): Promise<string | undefined> {
        return await this.child.run(n);
      }
    }

    const app = await compile({ providers: [Child, Parent] });
    await app.init();
    const parent = app.get(Parent);
    expect(await parent.run(4)).toMatch(/^8 in /);
  });

  it('can be made by a factory, be a value, and inherit its steps', async () => {
    abstract class Import<Row> {
      protected abstract parse(text: string): Row;

      async run(text: string): Promise<Row> {
        return await this.load(text);
      }

      @Step()
      async load(text: string): Promise<Row> {
        return this.parse(text);
      }
    }

    @Workflow('nest: import numbers')
    class ImportNumbers extends Import<number> {
      constructor(private readonly factor: number) {
        super();
      }

      protected parse(text: string): number {
        return Number(text) * this.factor;
      }
    }

    @Workflow('nest: import words')
    class ImportWords extends Import<string[]> {
      protected parse(text: string): string[] {
        return text.split(' ');
      }

      override async run(text: string): Promise<string[]> {
        return [...(await super.run(text)), 'end'];
      }

      @Step('load words')
      override async load(text: string): Promise<string[]> {
        return await super.load(`${text} ${currentRun()?.step?.name}`);
      }
    }

    const app = await compile({
      providers: [
        { provide: ImportNumbers, useFactory: () => new ImportNumbers(10) },
        { provide: 'words', useValue: new ImportWords() },
        { provide: 'alias', useExisting: ImportNumbers },
      ],
    });
    await app.init();
    expect(await app.get(ImportNumbers).run('4')).toBe(40);
    expect(await app.get<ImportWords>('words').run('a b')).toEqual(['a', 'b', 'load', 'words', 'end']);
  });

  it('is refused twice in one application', async () => {
    @Module({ providers: [CheckoutWorkflow, PaymentsService, Ledger] })
    class OtherModule {}

    const imports = [OtherModule, PerdureModule.forRoot(freshOptions())];
    const app = await Test.createTestingModule({ imports, providers: shopProviders }).compile();
    await expect(app.init()).rejects.toThrow(/Workflow "nest: checkout" has 2 providers: .*OtherModule/);
  });

  it('is missed only when it is used', async () => {
    @Workflow('nest: unprovided')
    class Unprovided {
      async run(): Promise<void> {}
    }

    @Injectable()
    class Caller {
      constructor(@InjectWorkflow(Unprovided) readonly handle: WorkflowOf<typeof Unprovided>) {}
    }

    const app = await compile({ providers: [Caller] });
    expect(() => app.get(Caller).handle()).toThrow(/No engine is launched/);
    await app.init();
    expect(() => app.get(Caller).handle()).toThrow(/no provider of Unprovided/);
  });
});

describe('a workflow with a schedule', () => {
  it('is run for its slots, with its dependencies', async () => {
    @Schedule('nest: often', { every: '1s' })
    @Workflow('nest: scheduled')
    @Injectable()
    class Scheduled {
      constructor(private readonly ledger: Ledger) {}

      async run({ schedule, at }: Slot): Promise<void> {
        await step.run('note', () => this.ledger.lines.push(`${schedule} ${at.getTime() % 1_000}`));
      }
    }

    const app = await compile({ providers: [Ledger, Scheduled] });
    await app.init();
    await expect.poll(() => app.get(Ledger).lines).toContain('nest: often 0');
    expect((await app.get<Perdure>(getPerdureToken()).schedules.get('nest: often')).name).toBe('nest: often');
  });
});

describe('a queue of a module', () => {
  it('is injected by its name, and runs workflows of the application', async () => {
    @Injectable()
    class Sender {
      constructor(
        @InjectQueue('nest-emails') readonly emails: Queue,
        @InjectWorkflow(CheckoutWorkflow) readonly checkout: WorkflowOf<typeof CheckoutWorkflow>,
      ) {}
    }

    const app = await compile({
      imports: [PerdureModule.registerQueue('nest-emails', { concurrency: 1 })],
      providers: [...shopProviders, Sender],
    });
    await app.init();
    const { emails, checkout } = app.get(Sender);
    const run = await emails.enqueue(checkout, 3);
    expect(await run.result()).toBe('shipped for payment charge in ship');
    expect((await run.status()).queue).toBe('nest-emails');
  });
});

describe('two applications in a process', () => {
  it('run their own providers, with their own engines', async () => {
    const [one, two] = [await compile({ providers: shopProviders }), await compile({ providers: shopProviders })];
    await Promise.all([one.init(), two.init()]);
    await one.get(CheckoutWorkflow).run(1);
    await two.get(CheckoutWorkflow).run(2);
    expect([one.get(Ledger).lines, two.get(Ledger).lines]).toEqual([
      ['charge 1', 'ship'],
      ['charge 2', 'ship'],
    ]);
    await two.close();
    await one.get(CheckoutWorkflow).run(3);
    expect(one.get(Ledger).lines).toHaveLength(4);
  });

  it('are kept apart in what they take from their databases, too', async () => {
    const apps = await Promise.all(
      [1, 2].map(async () =>
        compile({ imports: [PerdureModule.registerQueue('nest-apart')], providers: shopProviders }, freshOptions()),
      ),
    );
    for (const app of apps) await app.init();
    for (const app of apps) {
      const run = await app.get<Queue>(getQueueToken('nest-apart'), { strict: false }).enqueue(app.get(Shop).handle, 1);
      await run.result();
    }
    expect(apps.map((app) => app.get(Ledger).lines)).toEqual([
      ['charge 1', 'ship'],
      ['charge 1', 'ship'],
    ]);
  });

  it('leave the runs of each other alone, also when the one that can run them is gone for a while', async () => {
    let tries = 0;
    const working = gate();

    @Workflow('nest: of one application')
    class OfOne {
      async run(): Promise<string> {
        return await step.run('work', async () => {
          tries += 1;
          if (tries === 1) {
            working.open();
            await new Promise(() => {});
          }
          return `done in try ${tries}`;
        });
      }
    }

    const options = { ...freshOptions(), poll: 50, shutdown: { drainMs: 0 } };
    const other = await compile({ providers: shopProviders }, options);
    await other.init();
    const first = await compile({ providers: [OfOne] }, options);
    await first.init();
    await first.get(WorkflowRegistry).get(OfOne).with({ workflowId: 'of-one' }).start();
    await working.opened;
    await first.close();
    // It looks for runs several times while it does something of its own.
    const engine = other.get<Perdure>(getPerdureToken());
    await workflow('nest: meanwhile', () => sleep('200ms')).with({ engine })();
    expect(await engine.run('of-one').status()).toMatchObject({ executorId: null });
    const again = await compile({ providers: [OfOne] }, options);
    await again.init();
    expect(await engine.run('of-one').result()).toBe('done in try 2');
  });
});

describe('the module', () => {
  it('takes its options from factories and classes', async () => {
    const options = freshOptions();

    @Module({ providers: [{ provide: 'settings', useValue: options }], exports: ['settings'] })
    class SettingsModule {}

    const imports = [
      PerdureModule.forRootAsync({
        imports: [SettingsModule],
        inject: ['settings'],
        useFactory: (it: typeof options) => it,
      }),
    ];
    const app = await Test.createTestingModule({ imports, providers: shopProviders }).compile();
    closeAfterTest(app);
    await app.init();
    expect(await app.get(CheckoutWorkflow).run(5)).toMatch(/^shipped/);
  });

  it('leaves nothing open when it was only compiled, and refuses starts until the application is up', async () => {
    const app = await compile({ providers: shopProviders });
    await expect(app.get(CheckoutWorkflow).run(1)).resolves.toMatch(/undefined/);
    expect(() => app.get(Shop).perdure.run('x')).toThrow(/No engine is launched/);
    expect(app.get(Shop).perdure.health().status).toBe('unhealthy');
  });

  it('starts when it is told to', async () => {
    const app = await compile({ providers: shopProviders }, { ...freshOptions(), start: 'manual' });
    await app.init();
    expect(() => app.get(Shop).perdure.run('x')).toThrow(/No engine is launched/);
    await app.get(PerdureRunner).start();
    expect(await app.get(CheckoutWorkflow).run(1)).toMatch(/^shipped/);
  });

  it('closes the engine with the application, whose runs another one continues', async () => {
    let steps = 0;

    @Workflow('nest: sleeper')
    class Sleeper {
      async run(): Promise<string> {
        await step.run('count', () => (steps += 1));
        await sleep('200ms');
        return 'slept';
      }
    }

    const options = { ...freshOptions(), poll: 100 };
    const first = await compile({ providers: [Sleeper] }, options);
    await first.init();
    await first.get(WorkflowRegistry).get(Sleeper).with({ workflowId: 'sleeper' }).start();
    await expect.poll(() => steps).toBe(1);
    await first.close();
    const second = await compile({ providers: [Sleeper] }, options);
    await second.init();
    expect(await second.get<Perdure>(getPerdureToken()).run('sleeper').result()).toBe('slept');
    expect(steps).toBe(1);
  });
});
