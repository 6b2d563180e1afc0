import { applyDecorators, SetMetadata, UseInterceptors } from '@nestjs/common';
import type { Workflow } from '@perdure/core';
import type { RouteOptions } from '@perdure/http';
import type { CallOptions } from '../calls/call-options.js';
import type { WorkflowClass } from '../workflows/workflow-class.js';
import { IdempotencyInterceptor } from './idempotency-interceptor.js';
import { routeMetadataKey, type RouteMetadata } from './route-metadata.js';

/** The options of a route, whose functions get the request of the platform; or, with `keyResolver`, those of calls. */
export type NestRouteOptions<Req = never> = RouteOptions<Req> | CallOptions;

type InputOf<Reference> = Reference extends abstract new (...args: never[]) => { run(input: infer Input): unknown }
  ? Input
  : Reference extends Workflow<[infer Input], unknown>
    ? Input
    : never;

/**
 * Makes a controller's method run once for each key. What it answers, however it does so, is stored before it goes out,
 * and sent again to whoever repeats the request; what it throws is thrown again, for the exception filters.
 *
 * With `keyResolver` it does so for a method of a GraphQL resolver or a message handler, whose value is stored.
 *
 * @example
 * @Post()
 * @Idempotent()
 * create(@Body() order: OrderDto) {
 *   return this.checkout.run(order);
 * }
 */
export function Idempotent<Req = never>(options: NestRouteOptions<Req> = {}): MethodDecorator {
  return route({ workflow: null, options });
}

/**
 * Makes a controller's method a route that runs a workflow: the method makes the workflow's input, after guards and pipes,
 * and the response is the workflow's result. What is thrown before the workflow begins leaves the key free.
 *
 * @example
 * @Post()
 * @Durable(CheckoutWorkflow, { mode: 'auto' })
 * create(@Body() order: OrderDto): Order {
 *   return order;
 * }
 */
export function Durable<Reference extends WorkflowClass | Workflow<[never], unknown>, Req = never>(
  workflow: Reference,
  options: NestRouteOptions<Req> = {},
) {
  const decorate = route({ workflow, options });
  return function durable<T extends (...args: never[]) => InputOf<Reference> | Promise<InputOf<Reference>>>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<T>,
  ): void {
    decorate(target, key, descriptor);
  };
}

function route(metadata: RouteMetadata): MethodDecorator {
  return applyDecorators(SetMetadata(routeMetadataKey, metadata), UseInterceptors(IdempotencyInterceptor));
}
