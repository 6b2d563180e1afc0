import { Injectable } from '@nestjs/common';
import { Step } from '@perdure/nestjs';

@Injectable()
export class PaymentsService {
  @Step('charge', { retries: 5 })
  async charge(cents: number): Promise<string> {
    console.log(`process ${process.pid}: charge`);
    return `payment of ${cents} cents`;
  }
}
