import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes?: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
}

interface OtlpRequest {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly Span[] }[] }[];
}

/** What there is to see of a run. */
export interface RunTrace {
  readonly traces: number;
  readonly spans: number;
  /**
   * Spans of runs whose parent never came. What a framework makes of its own request is lost with its process if that is killed
   * before it has sent all of it, with or without runs.
   */
  readonly orphans: number;
  /** Whether the span of its execution has come, from the process that completed it. */
  readonly isComplete: boolean;
}

/** A collector of traces, which outlives the processes that are killed: OTLP over HTTP, as JSON. */
export class Collector {
  readonly #spans: Span[] = [];
  readonly #server = createServer((request, response) => {
    void this.#take(request).then(() => response.setHeader('content-type', 'application/json').end('{}'));
  });

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  traceOf(workflowId: string): RunTrace {
    const own = this.#spans.filter((span) => attributeOf(span, 'perdure.workflow.id') === workflowId);
    const traceIds = new Set(own.map(({ traceId }) => traceId));
    const spans = this.#spans.filter(({ traceId }) => traceIds.has(traceId));
    const known = new Set(spans.map(({ spanId }) => spanId));
    return {
      traces: traceIds.size,
      spans: spans.length,
      orphans: spans.filter(
        (span) =>
          attributeOf(span, 'perdure.workflow.id') !== undefined &&
          span.parentSpanId !== undefined &&
          span.parentSpanId !== '' &&
          !known.has(span.parentSpanId),
      ).length,
      isComplete: own.some(
        (span) => span.name.startsWith('execute ') && attributeOf(span, 'perdure.outcome') === 'completed',
      ),
    };
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #take(request: IncomingMessage): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as OtlpRequest;
    this.#spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)));
  }
}

function attributeOf({ attributes = [] }: Span, name: string): string | undefined {
  return attributes.find(({ key }) => key === name)?.value.stringValue;
}
