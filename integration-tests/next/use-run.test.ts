import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { currentRun, setEvent, step, stream, workflow } from '@perdure/core';
import { reply, type RunEvents } from '@perdure/http';
import { type RunState, useRun, type UseRunOptions } from '@perdure/next/react';
import { EventSource } from 'eventsource';
import { Window } from 'happy-dom';
import { createElement } from 'react';
import type * as client from 'react-dom/client';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { bench, type Place } from '../http/bench.js';
import { type AppOptions, frameworks } from '../http/frameworks.js';
import { databases } from '../support/databases.js';
import { gate } from '../support/gate.js';

const place: Place = {
  framework: frameworks.find(({ name }) => name === 'Express 5')!,
  open: databases.find(({ name }) => name === 'pglite')!.open,
};
const app: AppOptions = { authorize: () => true };
const async = { mode: 'async' } as const;

interface Page {
  /** What the hook has answered, the latest last. */
  readonly seen: RunState<unknown>[];
  /** Renders the component again. */
  follow(id: string | null, options?: UseRunOptions): void;
  leave(): void;
}

describe('useRun', () => {
  let createRoot: typeof client.createRoot;
  const window = new Window();

  beforeAll(async () => {
    vi.stubGlobal('window', window);
    vi.stubGlobal('document', window.document);
    vi.stubGlobal('navigator', window.navigator);
    vi.stubGlobal('EventSource', EventSource);
    // It looks for a browser when it is loaded.
    ({ createRoot } = await import('react-dom/client'));
  });

  /** A component that follows runs of a server. */
  function page(url: string): Page {
    const seen: RunState<unknown>[] = [];
    const root = createRoot(window.document.createElement('div'));
    onTestFinished(() => root.unmount());
    function Follower({ id, options }: { readonly id: string | null; readonly options: UseRunOptions }): null {
      seen.push(useRun(id, { path: `${url}/runs`, ...options }));
      return null;
    }
    return {
      seen,
      follow: (id, options = {}) => root.render(createElement(Follower, { id, options })),
      leave: () => root.unmount(),
    };
  }

  it('shows the status of a run, and its result when it has ended', async () => {
    const paid = gate();
    const order = workflow('order', async () => {
      await step.run('pay', () => paid.opened);
      return { sku: 'lamp' };
    });
    const { server } = await bench(place, [{ kind: 'durable', path: '/order', workflow: order, options: async }], {
      app,
    });
    const { id } = (await server.post('/order', { body: {} })).json as { readonly id: string };
    const { seen, follow } = page(server.app.url);
    follow(null);
    follow(id);
    await expect.poll(() => seen.at(-1)?.status).toBe('running');
    expect(seen[0]).toMatchObject({ status: null, isFinished: false, result: undefined, error: undefined });
    paid.open();
    await expect.poll(() => seen.at(-1)?.isFinished).toBe(true);
    expect(seen.at(-1)).toMatchObject({ status: 'completed', result: { sku: 'lamp' }, error: undefined });

    const later = page(server.app.url);
    later.follow(id);
    await expect.poll(() => later.seen.at(-1)).toEqual(seen.at(-1));
  });

  it('shows why there is no result', async () => {
    const broken = workflow('broken', async () => {
      throw Object.assign(new Error('There are no lamps.'), { status: 409 });
    });
    const { server } = await bench(place, [{ kind: 'durable', path: '/order', workflow: broken, options: async }], {
      app,
    });
    const { id } = (await server.post('/order', { body: {} })).json as { readonly id: string };
    const { seen, follow } = page(server.app.url);
    follow(id);
    await expect.poll(() => seen.at(-1)?.isFinished).toBe(true);
    const ended = { result: undefined, error: { message: 'There are no lamps.', status: 409 } };
    await expect.poll(() => seen.at(-1)).toMatchObject({ ...ended, status: 'failed' });
    const later = page(server.app.url);
    later.follow(id);
    await expect.poll(() => later.seen.at(-1)).toMatchObject({ ...ended, status: 'failed', isFinished: true });
    follow('nobody');
    await expect.poll(() => seen.at(-1)?.error).toMatchObject({ status: 404 });
    expect(seen.at(-1)?.status).toBeNull();
  });

  it('does not say that a run goes on that has ended, where there are no events to be had', async () => {
    vi.stubGlobal('EventSource', NoEvents);
    onTestFinished(() => void vi.stubGlobal('EventSource', EventSource));
    const tried = gate();
    const broken = workflow('broken', async () => {
      await step.run('try', () => tried.opened);
      throw new Error('There are no lamps.');
    });
    const { server } = await bench(place, [{ kind: 'durable', path: '/order', workflow: broken, options: async }], {
      app,
    });
    const { id } = (await server.post('/order', { body: {} })).json as { readonly id: string };
    const { seen, follow } = page(server.app.url);
    follow(id);
    await expect.poll(() => seen.at(-1)?.status).toBe('running');
    tried.open();
    await expect.poll(() => seen.at(-1)).toMatchObject({ isFinished: true, status: null, error: { status: 500 } });
  });

  it('shows the events and the streams that are named, without what was taken back', async () => {
    const read = gate();
    const answering = workflow('answering', async () => {
      const answer = stream<string>('answer');
      await setEvent('progress', 1);
      await answer.append('so');
      const generate = async (): Promise<void> => {
        const { attempt } = currentRun()!.step!;
        await answer.append(`try ${attempt}`);
        if (attempt > 1) return;
        await read.opened;
        throw new Error('again');
      };
      await step.run('generate', generate, { retries: 1, backoff: { initial: 1 } });
      await setEvent('progress', 2);
    });
    const { server } = await bench(place, [{ kind: 'durable', path: '/answer', workflow: answering, options: async }], {
      app: { ...app, events: { streams: ['answer'], events: ['progress'] } },
    });
    const { id } = (await server.post('/answer', { body: {} })).json as { readonly id: string };
    const { seen, follow } = page(server.app.url);
    const named = { events: ['progress'], streams: ['answer'] };
    follow(id, named);
    await expect.poll(() => seen.at(-1)?.streams).toEqual({ answer: ['so', 'try 1'] });
    expect(seen.at(-1)).toMatchObject({ status: 'running', events: { progress: 1 } });
    read.open();
    await expect.poll(() => seen.at(-1)?.isFinished).toBe(true);
    const { events, streams } = seen.at(-1)!;
    expect([events, streams]).toEqual([{ progress: 2 }, { answer: ['so', 'try 2'] }]);

    const later = page(server.app.url);
    later.follow(id, named);
    await expect.poll(() => later.seen.at(-1)?.isFinished).toBe(true);
    expect(later.seen.at(-1)).toMatchObject({ events, streams });
  });

  it('goes on when its connection breaks', async () => {
    const paid = gate();
    const order = workflow('order', async () => step.run('pay', () => paid.opened.then(() => 'paid')));
    const { server } = await bench(place, [{ kind: 'durable', path: '/order', workflow: order, options: async }], {
      app,
    });
    const { id } = (await server.post('/order', { body: {} })).json as { readonly id: string };
    const line = await breakable(server.app.url);
    const { seen, follow } = page(line.url);
    follow(id);
    await expect.poll(() => line.events()).toBe(1);
    line.cut();
    await expect.poll(() => line.events()).toBe(2);
    paid.open();
    await expect.poll(() => seen.at(-1)?.result).toBe('paid');
    expect(seen.every(({ error }) => error === undefined)).toBe(true);
  });

  it('waits for a server that is being replaced, and then watches it again', async () => {
    const paid = gate();
    const order = workflow('order', async () => {
      await setEvent('progress', 1);
      await step.run('pay', () => paid.opened);
      await setEvent('progress', 2);
      return 'paid';
    });
    const { server } = await bench(place, [{ kind: 'durable', path: '/order', workflow: order, options: async }], {
      app: { ...app, events: { events: ['progress'] } },
    });
    const { id } = (await server.post('/order', { body: {} })).json as { readonly id: string };
    const line = await breakable(server.app.url);
    line.lead('to a proxy whose server is away');
    const { seen, follow } = page(line.url);
    follow(id, { events: ['progress'] });
    await expect.poll(() => line.refused()).toBeGreaterThan(0);
    line.lead('to the server');
    await expect.poll(() => seen.at(-1)?.events).toEqual({ progress: 1 });
    line.lead('nowhere');
    line.cut();
    const before = line.refused();
    await expect.poll(() => line.refused()).toBeGreaterThan(before + 1);
    line.lead('to the server');
    paid.open();
    await expect.poll(() => seen.at(-1)?.result).toBe('paid');
    expect(seen.at(-1)?.events).toEqual({ progress: 2 });
    expect(seen.every(({ error }) => error === undefined)).toBe(true);
  });

  it('takes what a workflow answers for its result, whatever its status is', async () => {
    const order = workflow('order', async ({ status }: { status: number }) => reply(status, { status }));
    const { server } = await bench(place, [{ kind: 'durable', path: '/order', workflow: order, options: async }], {
      app,
    });
    for (const status of [202, 503]) {
      const { id } = (await server.post('/order', { body: { status } })).json as { readonly id: string };
      const { seen, follow } = page(server.app.url);
      follow(id);
      await expect.poll(() => seen.at(-1)?.isFinished).toBe(true);
      if (status === 202) expect(seen.at(-1)).toMatchObject({ status: 'completed', result: { status } });
      else expect(seen.at(-1)?.error).toMatchObject({ status });
    }
  });

  it('leaves a run when it is given another one, and when its component goes', async () => {
    const followed = new Set<string>();
    const events: RunEvents = async function* (runId, { signal }) {
      followed.add(runId);
      yield { id: '1', event: 'run', data: { status: 'watched' } };
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      followed.delete(runId);
    };
    const never = gate();
    const order = workflow('order', async () => step.run('pay', () => never.opened));
    const { server } = await bench(place, [{ kind: 'durable', path: '/order', workflow: order, options: async }], {
      app: { ...app, events },
    });
    const begun = async (): Promise<string> =>
      ((await server.post('/order', { body: {} })).json as { readonly id: string }).id;
    const [first, second] = [await begun(), await begun()];
    const { seen, follow, leave } = page(server.app.url);
    follow(first);
    await expect.poll(() => seen.at(-1)?.status).toBe('watched');
    follow(second);
    await expect.poll(() => [...followed]).toEqual([second]);
    await expect.poll(() => seen.at(-1)?.status).toBe('watched');
    leave();
    await expect.poll(() => followed.size).toBe(0);
  });
});

/** What becomes of events behind a proxy that lets none through. */
class NoEvents extends EventTarget {
  static readonly CLOSED = 2;
  readonly readyState = NoEvents.CLOSED;

  constructor() {
    super();
    queueMicrotask(() => this.dispatchEvent(new Event('error')));
  }

  close(): void {}
}

type Destination = 'to the server' | 'to a proxy whose server is away' | 'nowhere';

interface Line {
  readonly url: string;
  /** How often events were asked for. */
  events(): number;
  /** How many connections came to nothing. */
  refused(): number;
  /** Ends all connections. */
  cut(): void;
  /** Where new connections lead. */
  lead(destination: Destination): void;
}

const badGateway =
  'HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 0\r\nconnection: close\r\n\r\n';

/** A way to a server that can be broken, and that counts who has asked for events. */
async function breakable(url: string): Promise<Line> {
  const { port } = new URL(url);
  const sockets = new Set<Socket>();
  let [events, refused] = [0, 0];
  let destination: Destination = 'to the server';
  const server = createServer((socket) => {
    if (destination !== 'to the server') {
      refused += 1;
      if (destination === 'nowhere') socket.destroy();
      else socket.on('error', () => {}).once('data', () => socket.end(badGateway));
      return;
    }
    const onward = connect(Number(port), '127.0.0.1');
    socket.on('data', (bytes) => (events += bytes.includes('/events') ? 1 : 0));
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      sockets.add(one);
      one.on('error', () => {}).on('close', () => other.destroy());
      one.pipe(other);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  onTestFinished(() => {
    server.close();
    cut();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    events: () => events,
    refused: () => refused,
    cut,
    lead: (to) => (destination = to),
  };
}
