/** A shop as a process of its own, on Nest, whose workflow is a provider; spawned by `shop-process.ts`. */
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Body, Controller, Header, Inject, Injectable, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { currentRequest, Durable, Idempotent, PerdureModule, Step, Workflow } from '@perdure/nestjs';
import { LedgerWriter } from '../../recovery/children/ledger-writer.js';
import type { ShopOptions } from '../shop-options.js';
import { shopTools } from './shop-tools.js';

const { url, schema, label, leaseMs, folder, framework } = JSON.parse(process.argv[2]!) as ShopOptions;
const { ledger, gate } = shopTools(new LedgerWriter(join(folder, 'ledger'), label), folder);

interface Order {
  readonly sku: string;
}

interface Done {
  readonly reservation: string;
  readonly payment: string;
}

// The compiler of this process writes no metadata, so what is injected is named.
@Injectable()
class Payments {
  @Step('charge')
  async charge(): Promise<string> {
    return await ledger.noted(async () => {
      await gate('charge');
      return `charged by ${label}`;
    });
  }
}

@Workflow('order')
@Injectable()
class OrderWorkflow {
  constructor(@Inject(Payments) private readonly payments: Payments) {}

  async run({ sku }: Order): Promise<Done> {
    const reservation = await this.reserve(sku);
    const payment = await this.payments.charge();
    await this.ship();
    return { reservation, payment };
  }

  @Step()
  async reserve(sku: string): Promise<string> {
    return await ledger.noted(() => `${sku} reserved by ${label}`);
  }

  @Step()
  async ship(): Promise<void> {
    await ledger.noted(() => ledger.note('works for', currentRequest()?.requestId ?? 'nobody'));
  }
}

@Controller()
class OrdersController {
  constructor(@Inject(OrderWorkflow) private readonly order: OrderWorkflow) {}

  @Post('durable')
  @Durable(OrderWorkflow)
  durable(@Body() order: Order): Order {
    return order;
  }

  @Post('handler')
  @Header('location', '/orders/7')
  @Idempotent()
  async handler(@Body() order: Order): Promise<Done & { readonly answeredBy: string }> {
    const done = await this.order.run(order);
    await gate('respond');
    return { ...done, answeredBy: label };
  }
}

@Module({
  imports: [
    PerdureModule.forRoot({ databaseUrl: url, schema, lease: leaseMs, shutdown: { graceMs: 200, drainMs: 200 } }),
  ],
  controllers: [OrdersController],
  providers: [Payments, OrderWorkflow],
})
class ShopModule {}

const adapter = framework === 'Nest on Express' ? new ExpressAdapter() : new FastifyAdapter();
const app = await NestFactory.create<NestFastifyApplication>(ShopModule, adapter, { logger: ['error', 'warn'] });
await app.listen(0, '127.0.0.1');
const { port } = app.getHttpServer().address() as AddressInfo;
process.send?.({ url: `http://127.0.0.1:${port}` });
process.once('SIGTERM', () => void leave());
process.once('disconnect', () => process.exit(1));

/** Leaves nothing behind that keeps the process alive; nobody calls `process.exit`. */
async function leave(): Promise<void> {
  await app.close();
  process.removeAllListeners('disconnect');
  process.disconnect();
}
