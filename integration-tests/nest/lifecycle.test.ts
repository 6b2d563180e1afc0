import {
  Global,
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Perdure } from '@perdure/core';
import { PerdureModule, Step, Workflow, WorkflowRegistry } from '@perdure/nestjs';
import { describe, expect, it } from 'vitest';
import { gate } from '../support/gate.js';
import { freshOptions } from './nest-app.js';

/** Notes the hooks that Nest calls on a provider. */
function noting(log: string[], name: string): Type {
  @Injectable()
  class Noting implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown {
    onModuleInit(): void {
      log.push(`${name} init`);
    }

    onApplicationBootstrap(): void {
      log.push(`${name} bootstrap`);
    }

    onModuleDestroy(): void {
      log.push(`${name} destroy`);
    }

    onApplicationShutdown(): void {
      log.push(`${name} shutdown`);
    }
  }
  return Noting;
}

/** An application with a global database module, as ORMs are, a feature module that has one further down, and Perdure. */
function application(log: string[]) {
  const working = gate();
  const mayEnd = gate();

  @Workflow('nest: lifecycle')
  @Injectable()
  class Working {
    async run(): Promise<void> {
      await this.work();
    }

    @Step()
    async work(): Promise<void> {
      log.push('step begins');
      working.open();
      await mayEnd.opened;
      log.push('step ends');
    }
  }

  @Global()
  @Module({ providers: [noting(log, 'orm')] })
  class OrmModule {}

  @Module({ providers: [noting(log, 'deep')] })
  class DeepModule {}

  @Module({ imports: [DeepModule], providers: [noting(log, 'feature'), Working] })
  class FeatureModule {}

  const launch = async (options: Parameters<typeof Perdure.launch>[0]): Promise<Perdure> => {
    log.push('launch');
    const perdure = await Perdure.launch(options);
    const shutdown = perdure.shutdown.bind(perdure);
    perdure.shutdown = async (how) => {
      log.push('drain begins');
      await shutdown(how);
      log.push('drain ends');
    };
    return perdure;
  };

  @Module({ imports: [OrmModule, FeatureModule, PerdureModule.forRoot({ ...freshOptions(), launch })] })
  class AppModule {}

  return { AppModule, Working, working, mayEnd };
}

describe('an application', () => {
  it('starts its engine when its modules are ready, and drains it before what they connected to is gone', async () => {
    const log: string[] = [];
    const { AppModule, Working, working, mayEnd } = application(log);
    const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
    const launched = log.indexOf('launch');
    for (const hook of [
      'orm init',
      'deep init',
      'feature init',
      'orm bootstrap',
      'deep bootstrap',
      'feature bootstrap',
    ])
      expect([hook, log.indexOf(hook) < launched && log.includes(hook)]).toEqual([hook, true]);

    await app.get(WorkflowRegistry).get(Working).start();
    await working.opened;
    const closed = app.close();
    await expect.poll(() => log).toContain('drain begins');
    mayEnd.open();
    await closed;
    const drained = log.indexOf('drain ends');
    expect(log.indexOf('step ends')).toBeLessThan(drained);
    for (const hook of [
      'deep destroy',
      'feature destroy',
      'orm destroy',
      'orm shutdown',
      'deep shutdown',
      'feature shutdown',
    ])
      expect([hook, log.indexOf(hook) > drained]).toEqual([hook, true]);
    expect(log.filter((line) => line === 'drain begins')).toHaveLength(1);
  });

  it('drains on a signal, where shutdown hooks are enabled', async () => {
    const log: string[] = [];
    const { AppModule } = application(log);
    const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
    const before = process.listenerCount('SIGUSR2');
    app.enableShutdownHooks(['SIGUSR2']);
    const [hook] = process.listeners('SIGUSR2').slice(before);
    expect(hook).toBeTypeOf('function');
    await app.close();
    expect(log).toContain('drain ends');
    expect(process.listenerCount('SIGUSR2')).toBe(before);
  });

  it('that cannot launch its engine does not start', async () => {
    const failing = PerdureModule.forRoot({ launch: async () => Promise.reject(new Error('no database')) });

    @Module({ imports: [failing] })
    class AppModule {}

    await expect(
      NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false }),
    ).rejects.toThrow('no database');
  });
});
