'use client';

import { useIdentify } from '@throughline/sdk/react';
import { useState } from 'react';

export function SignIn() {
  const [userId, setUserId] = useState<string | null>(null);
  useIdentify(userId, { email: 'ada@example.com' });
  return <button onClick={() => setUserId(userId ? null : 'ada')}>{userId ? 'Sign out' : 'Sign in'}</button>;
}
