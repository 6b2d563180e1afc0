export { type Answer, chat, modelFromEnvironment } from './chat.js';
export { type Document, unreadDocument } from './document.js';
export { inTransaction } from './in-transaction.js';
export type { Model } from './model.js';
export { readDocument } from './read-document.js';
export { createRun, findRun, type Progress } from './runs.js';
export { storeDocument } from './store-document.js';
export { createTables } from './tables.js';
