import { Injectable } from '@nestjs/common';
import { reply, Step, Workflow } from '@perdure/nestjs';
import { Ledger } from './ledger.js';
import { PaymentsService } from './payments.js';

export interface Order {
  readonly sku: string;
  readonly cents: number;
}

/** An order as a workflow: what is done is recorded, and goes on after a crash. */
@Workflow('checkout')
@Injectable()
export class CheckoutWorkflow {
  constructor(
    private readonly payments: PaymentsService,
    private readonly ledger: Ledger,
  ) {}

  async run(order: Order) {
    const reservation = await this.reserve(order);
    const payment = await this.payments.charge(order.cents);
    const shipment = await this.ship(order);
    return reply(201, { reservation, payment, shipment });
  }

  @Step()
  async reserve({ sku }: Order): Promise<string> {
    this.ledger.note('reserve');
    return `reservation of ${sku}`;
  }

  @Step()
  async ship({ sku }: Order): Promise<string> {
    this.ledger.note('ship');
    return `shipment of ${sku}`;
  }
}
