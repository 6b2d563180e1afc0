import { type Attributes, metrics } from '@opentelemetry/api';
import { type DataPoint, type Histogram, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';

/** One time series, as it stands. */
export interface Point {
  readonly name: string;
  readonly unit: string;
  readonly attributes: Attributes;
  /** What was counted, or observed last; of a histogram, how many were measured. */
  readonly value: number;
  /** Of a histogram. */
  readonly sum: number | undefined;
}

/** Collects when it is asked to. */
class AskedReader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/** The real SDK, registered: engines that are launched from now on count with it. */
export class Collector {
  readonly #reader = new AskedReader();
  readonly #provider = new MeterProvider({ readers: [this.#reader] });

  register(): void {
    metrics.disable();
    metrics.setGlobalMeterProvider(this.#provider);
  }

  async stop(): Promise<void> {
    metrics.disable();
    await this.#provider.shutdown();
  }

  async collect(): Promise<Point[]> {
    const { resourceMetrics, errors } = await this.#reader.collect();
    if (errors.length > 0) throw new AggregateError(errors, 'not everything could be collected');
    return resourceMetrics.scopeMetrics.flatMap(({ metrics: found }) =>
      found.flatMap(({ descriptor: { name, unit }, dataPoints }) =>
        (dataPoints as DataPoint<number | Histogram>[]).map(({ attributes, value }) => ({
          name,
          unit,
          attributes,
          value: typeof value === 'number' ? value : value.count,
          sum: typeof value === 'number' ? undefined : value.sum,
        })),
      ),
    );
  }

  /** The series of one metric that have these attributes. */
  async find(name: string, attributes: Attributes = {}): Promise<Point[]> {
    return (await this.collect()).filter(
      (point) =>
        point.name === name && Object.entries(attributes).every(([key, value]) => point.attributes[key] === value),
    );
  }

  /** The value of the only series that has these attributes; undefined if there is none. */
  async value(name: string, attributes: Attributes = {}): Promise<number | undefined> {
    const found = await this.find(name, attributes);
    if (found.length > 1) throw new Error(`${found.length} series of ${name}: ${JSON.stringify(found)}`);
    return found[0]?.value;
  }
}
