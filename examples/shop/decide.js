/** Asks the collector what to show at the checkout: for this visitor, with what is in the cart now. */
export async function askWhatToShow(anonymousId, cart) {
  const { writeKey } = document.querySelector('script[data-write-key]').dataset;
  const response = await fetch(`/v1/decide?writeKey=${encodeURIComponent(writeKey)}`, {
    method: 'POST',
    // Plain text asks no permission beforehand, also of a collector on another host.
    headers: { 'content-type': 'text/plain' },
    body: JSON.stringify({ decision: 'demo-checkout', anonymousId, context: { cart } }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error.message);
  return answer;
}
