import './tracing.js';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
app.enableShutdownHooks(); // so that SIGTERM hands the runs over
await app.listen(process.env.PORT ?? 3000);
console.log(`process ${process.pid}: http://localhost:${process.env.PORT ?? 3000}`);
