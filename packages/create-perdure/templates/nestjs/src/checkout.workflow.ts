import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { sleep } from '@perdure/core';
import { Step, Workflow } from '@perdure/nestjs';
import { PaymentsService } from './payments.service.js';

export interface Order {
  sku: string;
  cents: number;
}

/** What a step returns is recorded. After a crash, steps that are recorded do not run again, and the others do. */
@Workflow('checkout')
@Injectable()
export class CheckoutWorkflow {
  constructor(private readonly payments: PaymentsService) {}

  async run(order: Order) {
    const reservation = await this.reserve(order);
    const payment = await this.payments.charge(order.cents);
    const parcel = await this.pack(order);
    await sleep('1s');
    const shipment = await this.ship(parcel);
    return { reservation, payment, shipment };
  }

  @Step()
  async reserve(order: Order): Promise<string> {
    console.log(`process ${process.pid}: reserve`);
    return `reservation of ${order.sku}`;
  }

  /** It takes its time, so that you can kill the process meanwhile. */
  @Step()
  async pack(order: Order): Promise<string> {
    console.log(`process ${process.pid}: pack, which takes 10 s`);
    await delay(10_000);
    return `parcel with ${order.sku}`;
  }

  @Step()
  async ship(parcel: string): Promise<string> {
    console.log(`process ${process.pid}: ship`);
    return `shipment of ${parcel}`;
  }
}
