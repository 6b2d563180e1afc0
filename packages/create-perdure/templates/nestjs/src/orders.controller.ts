import { BadRequestException, Body, Controller, Post } from '@nestjs/common';
import { Durable } from '@perdure/nestjs';
import { CheckoutWorkflow, type Order } from './checkout.workflow.js';

@Controller('orders')
export class OrdersController {
  /** Makes the workflow's input. What is refused here leaves the key free. */
  @Post()
  @Durable(CheckoutWorkflow, { mode: 'auto' })
  create(@Body() { sku, cents }: Partial<Order> = {}): Order {
    if (typeof sku === 'string' && Number.isSafeInteger(cents)) return { sku, cents: Number(cents) };
    throw new BadRequestException('An order has a sku and cents.');
  }
}
