import { Module } from '@nestjs/common';
import { PerdureModule, PerdureRunsModule } from '@perdure/nestjs';
import { AppController } from './app.controller.js';
import { CheckoutWorkflow, PaymentsService } from './app.service.js';

@Module({
  imports: [
    PerdureModule.forRoot({
      databaseUrl: process.env.DATABASE_URL,
      schema: process.env.SCHEMA,
      http: { authorize: () => true },
    }),
    PerdureRunsModule.forRoot(),
  ],
  controllers: [AppController],
  providers: [CheckoutWorkflow, PaymentsService],
})
export class AppModule {}
