import { connection } from 'next/server';
import { perdure } from '../../../shop';

export async function GET(): Promise<Response> {
  await connection();
  return Response.json({ pid: process.pid, ...(await perdure()).health() });
}
