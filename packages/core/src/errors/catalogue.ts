/** All classes of errors that this package throws. A class that isn't here would not come back from a recorded step. */
export * from './carrier-errors.js';
export * from './errors.js';
export * from './message-errors.js';
export * from './queue-errors.js';
export * from './schedule-errors.js';
export * from './storage-errors.js';
export * from './version-errors.js';
