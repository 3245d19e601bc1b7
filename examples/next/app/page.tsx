import Link from 'next/link';
import { SignIn } from './sign-in';

export default function Home() {
  return (
    <>
      <h1>Mugs</h1>
      <Link href="/mugs/mug-1">A mug</Link>
      <SignIn />
    </>
  );
}
