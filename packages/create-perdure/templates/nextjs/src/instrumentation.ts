export async function register(): Promise<void> {
  // In this form, so that bundlers leave it out of what they make for the Edge runtime.
  if (process.env.NEXT_RUNTIME === 'nodejs') {
    const { registerTracing } = await import('./tracing');
    registerTracing();
    const { register } = await import('./perdure');
    // Runs that a dead process left behind go on in this one before anybody asks for the routes that define them.
    await import('./checkout');
    await register();
    console.log(`process ${process.pid}: the engine is launched`);
  }
}
