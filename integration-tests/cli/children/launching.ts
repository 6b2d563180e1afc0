import { Perdure } from '@perdure/core';
import { shop } from './shop.js';

const { order } = shop('1');
await Perdure.launch({ databaseUrl: process.env['DATABASE_URL'], schema: process.env['SCHEMA']!, workflows: [order] });
