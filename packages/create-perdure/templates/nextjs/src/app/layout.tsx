import type { ReactNode } from 'react';

export const metadata = { title: 'A durable shop' };

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body style={{ fontFamily: 'system-ui', maxWidth: '36rem', margin: '4rem auto', padding: '0 1rem' }}>
        {children}
      </body>
    </html>
  );
}
