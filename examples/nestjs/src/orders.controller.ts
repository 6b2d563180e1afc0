import { BadRequestException, Body, Controller, Post } from '@nestjs/common';
import { Durable } from '@perdure/nestjs';
import { CheckoutWorkflow, type Order } from './checkout.workflow.js';

@Controller('orders')
export class OrdersController {
  /** Makes the workflow's input. What is refused here has not begun, and leaves the key free for a corrected request. */
  @Post()
  @Durable(CheckoutWorkflow, { mode: 'auto' })
  create(@Body() { sku, cents }: Partial<Order> = {}): Order {
    if (typeof sku === 'string' && cents !== undefined && Number.isSafeInteger(cents)) return { sku, cents };
    throw new BadRequestException('An order has a sku and cents');
  }
}
