import type { Perdure, Workflow } from '@perdure/core';
import { frameworks } from '../../http/frameworks.js';
import { nestFrameworks } from '../../http/nest-framework.js';
import { instrumentServers } from '../instrumented-servers.js';

/**
 * Serves orders by a framework, in a process whose requests have spans of their own.
 *
 * @returns where orders are sent
 */
export async function serveOrders(
  perdure: Perdure,
  framework: string,
  checkout: Workflow<[string], string>,
): Promise<string> {
  instrumentServers();
  const { start } = [...frameworks, ...nestFrameworks].find(({ name }) => name === framework)!;
  const workflow = checkout.with({ queue: 'orders' });
  const input = (body: unknown): unknown => (body as { readonly sku: string }).sku;
  return `${(await start(perdure, [{ kind: 'durable', path: '/orders', workflow, input }])).url}/orders`;
}
