export async function register() {
  if (process.env.NEXT_RUNTIME === 'nodejs') {
    const { register } = await import('@/lib/perdure');
    await import('@/lib/checkout');
    await register();
  }
}
