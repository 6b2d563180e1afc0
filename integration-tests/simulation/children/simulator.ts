/** Plays the seeds that its parent sends, one after the other, and answers with the verdicts. */
import { Storage } from '../storage.js';
import { simulate } from '../simulation.js';

const storage = await Storage.open();

process.on('message', (seed: string) => {
  void simulate(seed, storage).then((verdict) => process.send!(verdict));
});
process.send!('ready');
