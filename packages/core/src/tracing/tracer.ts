import { ProxyTracerProvider, trace, type Tracer } from '@opentelemetry/api';

const name = '@perdure/core';

/**
 * The tracer of the SDK that is registered; null where none is, so that nothing needs to be done for tracing. It is asked for
 * each time: an SDK may be registered after the engine was launched. One of another copy of the API is no proxy of this one.
 */
export function registeredTracer(): Tracer | null {
  const provider = trace.getTracerProvider();
  if (!(provider instanceof ProxyTracerProvider)) return provider.getTracer(name);
  return provider.getDelegateTracer(name) === undefined ? null : provider.getTracer(name);
}
