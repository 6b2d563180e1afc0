import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { PerdureHealthIndicator, PerdureRunner } from '@perdure/nestjs';
import { expect, it } from 'vitest';
import { compile, freshOptions } from './nest-app.js';

it('tells Terminus whether anything gets on in the engine', async () => {
  const app = await compile(
    { imports: [TerminusModule.forRoot({ logger: false })] },
    { ...freshOptions(), start: 'manual' },
  );
  await app.init();
  const service = await app.resolve(HealthCheckService);
  const check = () => service.check([() => app.get(PerdureHealthIndicator).isHealthy()]);
  await expect(check()).rejects.toMatchObject({
    status: 503,
    response: { error: { perdure: { status: 'down', reasons: [{ code: 'no-executor' }] } } },
  });
  await app.get(PerdureRunner).start();
  expect(await check()).toMatchObject({ status: 'ok', info: { perdure: { status: 'up', runs: 0 } } });
  await app.get(PerdureRunner).stop();
  await expect(check()).rejects.toMatchObject({ response: { error: { perdure: { status: 'down' } } } });
});
