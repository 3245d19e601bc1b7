/**
 * The campaign of a landing page: each `utm_x` parameter as `x`, `utm_campaign` as `name`.
 * Source: Segment's common fields, `context.campaign`.
 */
export function readCampaign(search: string): Readonly<Record<string, string>> | undefined {
  const found = [...new URLSearchParams(search)]
    .filter(([key, value]) => key.startsWith('utm_') && value)
    .map(([key, value]) => [key === 'utm_campaign' ? 'name' : key.slice(4), value] as const);
  return found.length > 0 ? Object.fromEntries(found) : undefined;
}
