import { diag, metrics } from '@opentelemetry/api';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { step, workflow } from '@perdure/core';
import { expect, it, onTestFinished } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine } from '../support/engines.js';

class IdleReader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

it('runs succeed and leave memory where a view of the meter provider throws', async () => {
  const process = (): never => {
    throw new Error('view');
  };
  const views = [{ instrumentName: 'perdure.*', attributesProcessors: [{ process }] }];
  const provider = new MeterProvider({ readers: [new IdleReader()], views });
  metrics.disable();
  metrics.setGlobalMeterProvider(provider);
  const told: unknown[] = [];
  const nothing = (): void => {};
  diag.setLogger({
    error: (_, error) => void told.push(error),
    warn: nothing,
    info: nothing,
    debug: nothing,
    verbose: nothing,
  });
  onTestFinished(async () => {
    diag.disable();
    metrics.disable();
    await provider.shutdown();
  });
  const work = workflow('work', async () => await step.run('one', () => 1));
  const perdure = await launchEngine(await freshDatabase(databases[0]!.open), { workflows: [work] });
  expect(await work.with({ engine: perdure })()).toBe(1);
  await expect.poll(() => perdure.health().runs).toBe(0);
  expect(told).toContainEqual(new Error('view'));
});
