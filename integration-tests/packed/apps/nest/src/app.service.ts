import { Injectable } from '@nestjs/common';
import { Step, Workflow } from '@perdure/nestjs';

export class Order {
  sku: string;
}

@Injectable()
export class PaymentsService {
  @Step('charge')
  async charge(order: Order): Promise<string> {
    return `${order.sku} charged by ${process.pid}`;
  }
}

@Workflow('checkout')
@Injectable()
export class CheckoutWorkflow {
  constructor(private readonly payments: PaymentsService) {}

  async run(order: Order): Promise<{ sku: string; payment: string }> {
    return { sku: order.sku, payment: await this.payments.charge(order) };
  }
}
