import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { Durable } from '@perdure/nestjs';
import { CheckoutWorkflow, Order } from './app.service.js';

@Controller('orders')
export class AppController {
  @Post()
  @HttpCode(200)
  @Durable(CheckoutWorkflow, { mode: 'auto' })
  create(@Body() order: Order): Order {
    return order;
  }
}
