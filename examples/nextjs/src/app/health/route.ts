import { connection } from 'next/server';
import { perdure } from '../../perdure';

export async function GET(): Promise<Response> {
  await connection();
  const { status, reasons } = (await perdure()).health();
  return Response.json({ status, reasons }, { status: status === 'unhealthy' ? 503 : 200 });
}
