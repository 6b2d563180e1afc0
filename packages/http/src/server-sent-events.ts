import type { RunEvent } from './options.js';

const heartbeatMs = 15_000;
/** After which a client whose connection broke comes back. */
const retryMs = 2_000;

/**
 * Events as a stream that a browser's EventSource reads. An event is asked for when the client has taken the one before; the
 * source is told when the client has gone.
 */
export function eventStream(open: (signal: AbortSignal) => AsyncIterable<RunEvent>, clientGone: AbortSignal): Response {
  const encoder = new TextEncoder();
  const ended = new AbortController();
  const abort = (): void => ended.abort();
  let heartbeat: NodeJS.Timeout | undefined;
  let events: AsyncIterator<RunEvent> | undefined;

  function close(): void {
    clearInterval(heartbeat);
    clientGone.removeEventListener('abort', abort);
    ended.abort();
  }

  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      clientGone.addEventListener('abort', abort, { once: true });
      if (clientGone.aborted) abort();
      controller.enqueue(encoder.encode(`retry: ${retryMs}\n\n`));
      heartbeat = setInterval(() => controller.enqueue(encoder.encode(': still here\n\n')), heartbeatMs);
      heartbeat.unref();
      events = open(ended.signal)[Symbol.asyncIterator]();
    },
    async pull(controller) {
      try {
        const next = await events?.next();
        if (next === undefined || next.done === true || ended.signal.aborted) {
          close();
          controller.close();
        } else controller.enqueue(encoder.encode(textOf(next.value)));
      } catch (error) {
        close();
        controller.error(error);
      }
    },
    async cancel() {
      close();
      await events?.return?.();
    },
  });
  return new Response(body, {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    },
  });
}

/** JSON has no line breaks of its own, and in the other fields they would begin another field. */
function textOf({ id, event, data }: RunEvent): string {
  const oneLine = (text: string): string => text.replaceAll(/[\r\n\0]/g, ' ');
  return `id: ${oneLine(id)}\nevent: ${oneLine(event)}\ndata: ${JSON.stringify(data) ?? 'null'}\n\n`;
}
