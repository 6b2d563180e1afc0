import { cron } from '../../../modes';

export const GET = cron({ secret: process.env['CRON_SECRET'] });
