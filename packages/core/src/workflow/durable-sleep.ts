import { currentContext } from './current-context.js';
import type { Clock, EpochMs } from '../seams/clock.js';
import { SystemClock } from '../seams/system-clock.js';
import { type Duration, toMs } from '../util/duration.js';
import type { Seams } from './context.js';
import type { DurableCall } from './durable-call.js';

/**
 * Waits. In a workflow the moment of waking is recorded: a restart sleeps what is left, however long ago that began.
 * Elsewhere it is a plain timer.
 *
 * @param duration milliseconds, or a string such as `'30s'`, `'10m'`, `'7d'`
 * @throws {InvalidArgumentError} for a duration that isn't one
 *
 * @example
 * await sleep('10m');
 */
export function sleep(duration: Duration): Promise<void> {
  const delayMs = toMs(duration, 'sleep');
  const context = currentContext();
  if (context?.kind === 'workflow') return context.call(sleepCall(delayMs, context.seams)) as Promise<void>;
  return plainSleep(context?.kind === 'step' ? context.seams.clock : new SystemClock(), delayMs);
}

function sleepCall(delayMs: number, { clock, codec, metrics }: Seams): DurableCall {
  return {
    kind: 'sleep',
    name: 'sleep',
    perform(call) {
      const [marker] = call.markers;
      const startedAt = marker?.startedAt ?? clock.now();
      const wakeAt = marker === undefined ? startedAt + delayMs : (codec.decode(marker.payload) as EpochMs);
      if (marker === undefined) call.mark('timer', codec.encodeRecord(wakeAt), startedAt);
      call.rest({ kind: 'time', at: wakeAt });
      const timer = clock.setTimer(Math.max(0, wakeAt - clock.now()), () => {
        metrics.woke(clock.now() - wakeAt);
        call.complete({ payload: null, failed: false, startedAt, dueAt: wakeAt });
      });
      call.signal.addEventListener('abort', () => timer.cancel(), { once: true });
    },
  };
}

function plainSleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => clock.setTimer(delayMs, resolve));
}
