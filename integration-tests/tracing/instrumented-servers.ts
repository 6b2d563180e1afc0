import { Server } from 'node:http';
import { context, propagation, SpanKind, trace } from '@opentelemetry/api';

type Emit = (this: Server, event: string, ...args: unknown[]) => boolean;

/**
 * Gives each request a span of its own, in the way of OpenTelemetry's instrumentation of `http`.
 *
 * @returns what takes it back
 */
export function instrumentServers(): () => void {
  const prototype = Server.prototype as unknown as { emit: Emit };
  const { emit } = prototype;
  prototype.emit = function (event, ...args) {
    const [request, response] = args as [{ method: string; url: string; headers: object }, { once: Server['once'] }];
    if (event !== 'request' || request.url === '/v1/traces') return emit.call(this, event, ...args);
    const parent = propagation.extract(context.active(), request.headers);
    const span = trace.getTracer('http').startSpan(request.method, { kind: SpanKind.SERVER }, parent);
    response.once('close', () => span.end());
    const inRequest = trace.setSpan(parent, span);
    for (const emitter of args) context.bind(inRequest, emitter);
    return context.with(inRequest, () => emit.call(this, event, ...args));
  };
  return () => {
    prototype.emit = emit;
  };
}
