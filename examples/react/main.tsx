import { TrackerProvider, useIdentify, usePageView } from '@throughline/sdk/react';
import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter, Link, Route, Routes, useLocation, useParams } from 'react-router';
import { tracker, useTrack } from './tracking';

function Shop() {
  const { pathname, search } = useLocation();
  usePageView(pathname + search);
  const [userId, setUserId] = useState<string | null>(null);
  useIdentify(userId, { email: 'ada@example.com' });
  return (
    <>
      <nav>
        <Link to="/">All mugs</Link> <Link to="/mugs/mug-1">A mug</Link>
      </nav>
      <Routes>
        <Route path="/" element={<h1>Mugs</h1>} />
        <Route path="/mugs/:id" element={<Mug />} />
      </Routes>
      <button onClick={() => setUserId(userId ? null : 'ada')}>{userId ? 'Sign out' : 'Sign in'}</button>
    </>
  );
}

function Mug() {
  const { id = '' } = useParams();
  const track = useTrack();
  const add = () => void track('Product Added', { product_id: id, price: 19.9, currency: 'EUR' });
  return <button onClick={add}>Add to cart</button>;
}

createRoot(document.getElementById('app')!).render(
  <StrictMode>
    <TrackerProvider tracker={tracker}>
      <BrowserRouter>
        <Shop />
      </BrowserRouter>
    </TrackerProvider>
  </StrictMode>,
);
