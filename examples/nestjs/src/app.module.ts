import { type DynamicModule, Module } from '@nestjs/common';
import { PerdureModule, PerdureRunsModule } from '@perdure/nestjs';
import { CheckoutWorkflow } from './checkout.workflow.js';
import { Ledger, ledgerFile } from './ledger.js';
import { OrdersController } from './orders.controller.js';
import { PaymentsService, paymentsUrl } from './payments.js';

interface Settings {
  readonly payments: string;
  readonly ledger: string;
}

@Module({})
export class AppModule {
  static with({ payments, ledger }: Settings): DynamicModule {
    return {
      module: AppModule,
      imports: [
        PerdureModule.forRoot({
          databaseUrl: process.env['DATABASE_URL'],
          folder: '.perdure/nestjs-demo/postgres',
          schema: 'perdure_nestjs_demo',
          // A dead process keeps its runs for as long as its lease lasts: 15 s by default, and less here, so that you wait less.
          lease: '3s',
          http: {
            // A shop would know this from a session; it is what keeps the keys of two customers apart.
            principal: (request: { headers: Record<string, string | undefined> }) => request.headers['x-customer'],
            authorize: 'owner',
          },
        }),
        PerdureRunsModule.forRoot(),
      ],
      controllers: [OrdersController],
      providers: [
        CheckoutWorkflow,
        PaymentsService,
        Ledger,
        { provide: paymentsUrl, useValue: payments },
        { provide: ledgerFile, useValue: ledger },
      ],
    };
  }
}
