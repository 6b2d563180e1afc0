import type { ReactNode } from 'react';

export const metadata = { title: 'Ask your documents' };

export default function Layout({ children }: { readonly children: ReactNode }) {
  return (
    <html lang="en">
      <head>
        <link rel="stylesheet" href="/page.css" precedence="default" />
      </head>
      <body>{children}</body>
    </html>
  );
}
