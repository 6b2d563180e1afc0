import type { RunEvent } from './options.js';

const heartbeatMs = 15_000;
/** After which a client whose connection broke comes back. */
const retryMs = 2_000;

/** What a stream of events is sent with. */
export const eventHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const;

/**
 * Events as a stream that a browser's EventSource reads. An event is asked for when the client has taken the one before. When
 * the client has gone, the source is told, and the stream is over, whether or not somebody reads it.
 */
export function eventStream(open: (signal: AbortSignal) => AsyncIterable<RunEvent>, clientGone: AbortSignal): Response {
  const encoder = new TextEncoder();
  const ended = new AbortController();
  let heartbeat: NodeJS.Timeout | undefined;
  let events: AsyncIterator<RunEvent> | undefined;

  function end(): void {
    clearInterval(heartbeat);
    ended.abort();
  }

  async function leave(): Promise<void> {
    end();
    await events?.return?.();
  }

  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode(`retry: ${retryMs}\n\n`));
      const close = (): void => {
        controller.close();
        // Nobody is there to be told if it fails.
        leave().catch(() => {});
      };
      if (clientGone.aborted) return close();
      events = open(ended.signal)[Symbol.asyncIterator]();
      clientGone.addEventListener('abort', close, { once: true, signal: ended.signal });
      heartbeat = setInterval(() => controller.enqueue(encoder.encode(': still here\n\n')), heartbeatMs);
      heartbeat.unref();
    },
    async pull(controller) {
      try {
        const next = await events?.next();
        if (ended.signal.aborted) return;
        if (next === undefined || next.done === true) {
          end();
          controller.close();
        } else controller.enqueue(encoder.encode(textOf(next.value)));
      } catch (error) {
        end();
        controller.error(error);
      }
    },
    cancel: leave,
  });
  return new Response(body, { headers: eventHeaders });
}

/** JSON has no line breaks of its own, and in the other fields they would begin another field. */
function textOf({ id, event, data }: RunEvent): string {
  const oneLine = (text: string): string => text.replaceAll(/[\r\n\0]/g, ' ');
  return `id: ${oneLine(id)}\nevent: ${oneLine(event)}\ndata: ${JSON.stringify(data) ?? 'null'}\n\n`;
}
