import { Module } from '@nestjs/common';
import { PerdureModule, PerdureRunsModule } from '@perdure/nestjs';
import { CheckoutWorkflow } from './checkout.workflow.js';
import { OrdersController } from './orders.controller.js';
import { PaymentsService } from './payments.service.js';

@Module({
  imports: [
    PerdureModule.forRoot({
      databaseUrl: process.env.DATABASE_URL, // unset: an embedded Postgres in .perdure/
      lease: '5s', // how long a dead process keeps its runs; 15 s if you leave this out
      http: {
        principal: () => 'everybody', // whose key it is: answer with the id of the user who is signed in
        authorize: 'owner', // who may see a run
      },
    }),
    PerdureRunsModule.forRoot(),
  ],
  controllers: [OrdersController],
  providers: [CheckoutWorkflow, PaymentsService],
})
export class AppModule {}
