import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import request from 'supertest';
import { AppModule, PaymentsService } from './orders';

async function start(): Promise<INestApplication> {
  const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
  return await module.createNestApplication({ logger: false }).init();
}

describe.each([1, 2])('application %i of a Jest run', () => {
  let app: INestApplication;

  beforeAll(async () => {
    app = await start();
  }, 60_000);
  afterAll(async () => {
    await app.close();
  });

  it('does a request once, whose parts are injected', async () => {
    const post = () => request(app.getHttpServer()).post('/orders').set('Idempotency-Key', '"k"').send({ cents: 5 });
    const [first, again] = [await post(), await post()];
    expect([first.status, first.body]).toEqual([201, { payment: 'payment of 5' }]);
    expect([again.status, again.body]).toEqual([first.status, first.body]);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(app.get(PaymentsService).charged).toBe(1);
  }, 30_000);
});

it('has two applications at once', async () => {
  const apps = await Promise.all([start(), start()]);
  for (const app of apps) {
    const response = await request(app.getHttpServer())
      .post('/orders')
      .set('Idempotency-Key', '"k"')
      .send({ cents: 7 });
    expect(response.body).toEqual({ payment: 'payment of 7' });
  }
  expect(apps.map((app) => app.get(PaymentsService).charged)).toEqual([1, 1]);
  await Promise.all(apps.map((app) => app.close()));
}, 60_000);
