import { Injectable, Module, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { createTables } from '@perdure/example-document-rag-shared';
import pg from 'pg';

@Injectable()
export class Database implements OnModuleInit, OnModuleDestroy {
  readonly pool: pg.Pool;

  constructor() {
    const connectionString = process.env['DATABASE_URL'];
    if (connectionString === undefined) throw new Error('DATABASE_URL is not set');
    this.pool = new pg.Pool({ connectionString });
    this.pool.on('error', (error) => console.error(`An idle connection was lost: ${error.message}`));
  }

  async onModuleInit(): Promise<void> {
    await createTables(this.pool);
  }

  async onModuleDestroy(): Promise<void> {
    await this.pool.end();
  }
}

@Module({ providers: [Database], exports: [Database] })
export class DatabaseModule {}
