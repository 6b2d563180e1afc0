/** Indexes documents, and answers questions from their passages: `DATABASE_URL=… PORT=3000 node main.js`. */
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
app.enableShutdownHooks();
await app.listen(Number(process.env['PORT'] ?? '3000'), '127.0.0.1');
