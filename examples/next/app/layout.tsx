import type { ReactNode } from 'react';
import { Tracking } from './tracking';

export const metadata = { title: 'Mugs' };

export default function Layout({ children }: { readonly children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <Tracking>{children}</Tracking>
      </body>
    </html>
  );
}
