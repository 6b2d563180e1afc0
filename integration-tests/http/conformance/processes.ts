import { expect, it } from 'vitest';
import { Mall, type ShopFramework } from '../shop-process.js';

const sent = { key: '"order-7"', body: { sku: 'lamp' } };

/** Points 8, 24 and 27 with real processes, some of which are killed. */
export function processConformance(framework: ShopFramework): void {
  it.each(['/durable', '/handler'])(
    'that is killed in the middle of a request leaves it to another one, where the client that comes back to %s gets the result of the same run',
    { timeout: 90_000 },
    async (path) => {
      const mall = await Mall.create();
      const a = await mall.launch('A', framework);
      const b = await mall.launch('B', framework);
      const asked = (requestId: string) => ({ ...sent, headers: { 'x-request-id': requestId } });
      const lost = a.post(path, asked('first')).then(
        () => 'answered',
        () => 'cut',
      );
      await mall.waitsAt('charge', 'A');
      await a.kill();
      expect(await lost).toBe('cut');
      const recordedByA = await mall.recordedSteps();
      expect(recordedByA).toHaveLength(1);

      const returning = b.post(path, asked('second'));
      expect((await b.post(path, { ...sent, body: { sku: 'chair' } })).status).toBe(422);
      mall.open('charge');
      mall.open('respond');
      const answer = await returning;
      const done = { reservation: 'lamp reserved by A', payment: 'charged by B' };
      if (path === '/durable') expect([answer.status, answer.json]).toEqual([200, done]);
      else expect([answer.status, answer.json]).toEqual([201, { ...done, answeredBy: 'B' }]);

      const begunByB = mall.ledger.filter((line) => line.process === 'B' && line.event === 'begin');
      expect(begunByB.map(({ name }) => name)).toEqual(['charge', 'ship']);
      expect(begunByB.filter(({ key }) => recordedByA.includes(key))).toEqual([]);
      expect(new Set(mall.ledger.flatMap(({ name, key }) => (name === 'charge' ? [key] : []))).size).toBe(1);
      expect(await mall.countRuns('order')).toBe(1);
      expect(mall.ledger.flatMap(({ event, what }) => (event === 'works for' ? [what] : []))).toEqual(['first']);

      const again = await b.post(path, sent);
      expect([again.status, again.text, again.headers.get('idempotent-replayed')]).toEqual([
        answer.status,
        answer.text,
        'true',
      ]);
    },
  );

  it(
    'that is killed after the workflow ended and before the response was stored has it made again from what is recorded',
    { timeout: 90_000 },
    async () => {
      const mall = await Mall.create();
      const a = await mall.launch('A', framework);
      const b = await mall.launch('B', framework);
      mall.open('charge');
      const lost = a.post('/handler', sent).catch(() => 'cut');
      await mall.waitsAt('respond', 'A');
      await a.kill();
      await lost;
      mall.open('respond');
      const answer = await b.post('/handler', sent);
      expect([answer.status, answer.json, answer.headers.get('location')]).toEqual([
        201,
        { reservation: 'lamp reserved by A', payment: 'charged by A', answeredBy: 'B' },
        '/orders/7',
      ]);
      expect(mall.ledger.filter((line) => line.process === 'B' && line.event === 'begin')).toEqual([]);
      expect(await mall.countRuns('order')).toBe(1);
    },
  );

  it.each(['/durable', '/handler'])(
    'and another one do fifty requests to %s that come at once only once',
    { timeout: 90_000 },
    async (path) => {
      const mall = await Mall.create();
      const shops = [await mall.launch('A', framework), await mall.launch('B', framework)];
      mall.open('charge');
      mall.open('respond');
      const answers = await Promise.all(Array.from({ length: 50 }, (_, no) => shops[no % 2]!.post(path, sent)));
      expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
      expect(answers[0]!.status).toBe(path === '/durable' ? 200 : 201);
      expect(answers.filter(({ headers }) => !headers.has('idempotent-replayed'))).toHaveLength(1);
      const begun = mall.ledger.flatMap(({ event, name }) => (event === 'begin' ? [name] : []));
      expect(begun).toEqual(['reserve', 'charge', 'ship']);
    },
  );

  it('that is asked to leave answers first, and leaves nothing open', { timeout: 90_000 }, async () => {
    const mall = await Mall.create();
    const a = await mall.launch('A', framework);
    const b = await mall.launch('B', framework);
    const waiting = a.post('/durable', sent);
    await mall.waitsAt('charge', 'A');
    const left = a.leave();
    const told = await waiting;
    expect([told.status, told.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await left).toBe(framework.exitCode);
    mall.open('charge');
    expect((await b.post('/durable', sent)).json).toEqual({
      reservation: 'lamp reserved by A',
      payment: 'charged by B',
    });
  });
}
