'use client';

import { createTracker } from '@throughline/sdk';
import { TrackerProvider, usePageView } from '@throughline/sdk/react';
import { usePathname, useSearchParams } from 'next/navigation';
import { Suspense, type ReactNode } from 'react';

// This runs on the server, too: there the tracker does nothing.
const tracker = createTracker({
  host: process.env.NEXT_PUBLIC_COLLECTOR ?? '',
  writeKey: process.env.NEXT_PUBLIC_WRITE_KEY ?? '',
});

function PageViews() {
  const pathname = usePathname();
  const search = useSearchParams();
  usePageView(`${pathname}?${search}`);
  return null;
}

export function Tracking({ children }: { readonly children: ReactNode }) {
  return (
    <TrackerProvider tracker={tracker}>
      <Suspense>
        <PageViews />
      </Suspense>
      {children}
    </TrackerProvider>
  );
}
