import { onTestFinished } from 'vitest';
import { Receiver } from './receiver.js';

/** A collector for the running test. */
export async function testReceiver(): Promise<Receiver> {
  const receiver = await Receiver.listen();
  onTestFinished(() => receiver.close());
  return receiver;
}
