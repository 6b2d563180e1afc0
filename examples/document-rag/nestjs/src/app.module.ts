import { Module } from '@nestjs/common';
import { PerdureModule } from '@perdure/nestjs';
import { DatabaseModule } from './database.module.js';
import { DocumentsController } from './documents.controller.js';
import { IndexingWorkflow } from './indexing.workflow.js';

@Module({
  imports: [DatabaseModule, PerdureModule.forRoot({ databaseUrl: process.env['DATABASE_URL'], lease: '3s' })],
  controllers: [DocumentsController],
  providers: [IndexingWorkflow],
})
export class AppModule {}
