/** What docs/nestjs.md takes for granted: classes of the reader's. */
import { type CanActivate, Controller, Injectable, Module } from '@nestjs/common';
import { Step, Workflow } from '@perdure/nestjs';
import type { Order, Payment } from './shop.js';

export class Receipt {
  readonly order: string = '';
  readonly payment: string = '';
}

export class OrderDto implements Order {
  readonly id: string = '';
  readonly sku: string = '';
  readonly cents: number = 0;
  readonly customer: string = '';
  readonly card: string = '';
  readonly manager: string = '';
}
export class OrderInput extends OrderDto {
  readonly key: string = '';
}
export class RefundDto {
  readonly payment: string = '';
}
export class Refund extends RefundDto {
  readonly key: string = '';
}

@Injectable()
export class PaymentsService {
  @Step('charge')
  async charge({ id, cents }: Order): Promise<Payment> {
    return { id: `payment of ${id}`, cents };
  }
}

@Workflow('checkout')
@Injectable()
export class CheckoutWorkflow {
  constructor(private readonly payments: PaymentsService) {}

  async run(order: Order): Promise<Receipt> {
    const { id } = await this.payments.charge(order);
    return { order: order.id, payment: id };
  }
}

@Workflow('refund')
@Injectable()
export class RefundWorkflow {
  async run({ payment }: RefundDto): Promise<Receipt> {
    return { order: '', payment };
  }
}

@Workflow('send invoice')
@Injectable()
export class SendInvoice {
  async run(order: Order): Promise<string> {
    return `invoice of ${order.id}`;
  }
}

@Injectable()
export class AuthGuard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

@Controller('orders')
export class OrdersController {}

@Module({})
export class OrmModule {}

@Module({ imports: [OrmModule], providers: [CheckoutWorkflow, PaymentsService] })
export class AppModule {}
