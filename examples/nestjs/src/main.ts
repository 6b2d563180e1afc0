/** A process of the shop: `main.ts <port, 0 for any> <payment provider's url> <ledger file>`. */
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const [port = '3000', payments = '', ledger = ''] = process.argv.slice(2);
const app = await NestFactory.create(AppModule.with({ payments, ledger }), { logger: ['error', 'warn'] });
// Without them a SIGTERM ends the process before its runs are handed over.
app.enableShutdownHooks();
await app.listen(Number(port), '127.0.0.1');
process.send?.({ url: await app.getUrl() });
// However the demo ends, this process ends with it.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
