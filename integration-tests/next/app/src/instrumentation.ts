export async function register(): Promise<void> {
  // In this form, so that bundlers leave it out of what they make for the Edge runtime.
  if (process.env.NEXT_RUNTIME === 'nodejs') {
    const telemetry = await import('./telemetry');
    telemetry.register();
    const shop = await import('./shop');
    if (shop.isOpen) await shop.register();
    const modes = await import('./modes');
    if (modes.hasMode) await modes.register();
  }
}
