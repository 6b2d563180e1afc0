/** The translation between Node's requests and responses and this package, for adapters on `node:http`. */
export { nodeExchange, toWebRequest, type NodeRequest } from './node/node-exchange.js';
export { captureResponse, type ResponseCapture } from './node/response-capture.js';
export { pipeResponse, sendResponse } from './node/send-response.js';
export { closeGracefully, type CloseOptions } from './node/close-gracefully.js';
