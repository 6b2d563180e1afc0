import { Body, Controller, Injectable, Module, Post } from '@nestjs/common';
import { embedded } from '@perdure/core';
import { Idempotent, PerdureModule, Step, Workflow } from '@perdure/nestjs';

@Injectable()
export class PaymentsService {
  charged = 0;

  @Step('charge')
  async charge(cents: number): Promise<string> {
    this.charged += 1;
    return `payment of ${cents}`;
  }
}

@Workflow('checkout')
@Injectable()
export class CheckoutWorkflow {
  constructor(private readonly payments: PaymentsService) {}

  async run(order: { cents: number }): Promise<string> {
    return await this.payments.charge(order.cents);
  }
}

@Controller('orders')
export class OrdersController {
  constructor(private readonly checkout: CheckoutWorkflow) {}

  @Post()
  @Idempotent()
  async create(@Body() order: { cents: number }): Promise<{ payment: string }> {
    return { payment: await this.checkout.run(order) };
  }
}

@Module({
  imports: [PerdureModule.forRootAsync({ useFactory: () => ({ database: embedded({ memory: true }) }) })],
  controllers: [OrdersController],
  providers: [PaymentsService, CheckoutWorkflow],
})
export class AppModule {}
