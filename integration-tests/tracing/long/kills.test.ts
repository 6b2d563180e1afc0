import { describe, expect, it } from 'vitest';
import { TracedCluster } from '../traced-cluster.js';

/** What becomes an orphan for want of a span that is nobody's to make again. */
const mayLack = {
  // The request has ended after the start; whether its span had left the process nobody can know.
  'starts it': ['start checkout'],
  'waits for it': [],
  'enqueues it': [],
} as const;

/** Without given ids, what was open: a request that waits, and a step with a call of another service below it. */
const lost = ['start checkout', 'POST reserve', 'POST payments', 'POST label'];

describe.each(['waits for it', 'starts it', 'enqueues it'] as const)('the trace of a run whose caller %s', (entry) => {
  it.each([
    ['otel', 'reserve', true],
    ['otel', 'reserve', false],
    ['otel', 'charge', true],
    ['otel', 'charge', false],
    ['otel', 'label', true],
    ['otel', 'label', false],
    ['api', 'reserve', true],
    ['api', 'charge', true],
    ['api', 'label', true],
  ] as const)(
    'is one at level "%s" when the process is killed in "%s", with everything sent that had ended: %s',
    async (level, gate, flushesAtGates) => {
      const cluster = await TracedCluster.create({ level, flushesAtGates });
      const isChild = gate === 'label';
      const isQueued = entry === 'enqueues it';
      const [front, victim] = await Promise.all([
        cluster.launch('A', isChild || isQueued ? {} : { gates: [gate] }),
        cluster.launch('B', isChild || isQueued ? { queues: ['orders', 'shipping'], gates: [gate] } : {}),
      ]);
      front.ask({
        kind: 'request',
        workflowId: 'w',
        queue: isQueued ? 'orders' : null,
        waits: entry !== 'starts it',
      });
      const killed = isChild || isQueued ? victim : front;
      await killed.reaches(gate);
      await Promise.all([killed.kill(), cluster.launch('C', { queues: ['orders', 'shipping'] })]);
      expect(await cluster.outcomeOf('w')).toBe('completed');
      await cluster.finish();
      const { traces, orphans, duplicates, skewed } = cluster.view;
      expect({ traces, duplicates, skewed }).toEqual({ traces: 1, duplicates: [], skewed: [] });
      const lacking: readonly string[] = level === 'api' ? lost : mayLack[entry];
      expect(orphans.filter((name) => !lacking.includes(name))).toEqual([]);
    },
  );
});

describe('the trace of a request that waits for a run in a queue', () => {
  it.each(['is killed', 'is only slow, and goes on'] as const)(
    'is whole where its process %s while another one executes',
    async (fate) => {
      const cluster = await TracedCluster.create({});
      const [a, b] = await Promise.all([
        cluster.launch('A'),
        cluster.launch('B', { queues: ['orders', 'shipping'], gates: ['reserve'] }),
      ]);
      a.ask({ kind: 'request', workflowId: 'w', queue: 'orders', waits: true });
      await b.reaches('reserve');
      if (fate === 'is killed') await a.kill();
      else a.signal('SIGSTOP');
      await cluster.executorsAre(1);
      b.ask({ kind: 'go' });
      expect(await cluster.outcomeOf('w')).toBe('completed');
      if (fate !== 'is killed') {
        a.signal('SIGCONT');
        expect(await a.answers()).toBe('order shipped');
      }
      await cluster.finish();
      expect(cluster.view).toEqual({
        traces: 1,
        roots: ['request (lost)'],
        orphans: [],
        incomplete: [],
        duplicates: [],
        skewed: [],
      });
    },
  );
});

describe('the trace of a run that was taken at once from a process that is killed right after it enqueued it', () => {
  it('is whole', async () => {
    let told = 0;
    for (let no = 0; no < 5; no += 1) {
      const cluster = await TracedCluster.create({});
      const [a] = await Promise.all([cluster.launch('A'), cluster.launch('B', { queues: ['orders', 'shipping'] })]);
      a.ask({ kind: 'request', workflowId: 'w', queue: 'orders', waits: false });
      await a.hears(({ kind }) => kind === 'started');
      await a.kill();
      expect(await cluster.outcomeOf('w')).toBe('completed');
      await cluster.executorsAre(1);
      await cluster.finish();
      expect(cluster.view).toMatchObject({ traces: 1, orphans: [], incomplete: [], duplicates: [], skewed: [] });
      told += cluster.named('start checkout (lost)').length;
    }
    process.stdout.write(`of 5 runs, ${told} were told of that their maker had no time to send\n`);
  });
});
