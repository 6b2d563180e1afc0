/**
 * A process with `durable()` that gets SIGTERM: `leaving alone`, or `leaving drained` for an application that listens to the signal
 * once, and leaves in good order. What it exports takes until it is told that it has arrived.
 */
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { durable } from '@perdure/otel';

type Told = 'arrived' | 'leave';

const told = new Map<Told, () => void>();
process.on('message', (what: Told) => told.get(what)?.());
const say = (what: string): void => void process.send?.(what);

const provider = new NodeTracerProvider(
  durable({
    exporter: {
      export(_spans, done) {
        told.set('arrived', () => done({ code: 0 }));
        say('exporting');
      },
      shutdown: async () => {},
    },
  }),
);
provider.register();

if (process.argv[2] === 'drained') {
  process.once('SIGTERM', () => {
    told.set('leave', () => process.disconnect());
    void provider.forceFlush().then(() => say('flushed'));
    say('leaving');
  });
}
provider.getTracer('test').startSpan('work').end();
say('ready');
