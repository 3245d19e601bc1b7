/** What a link says of itself, by name. */
export type Campaign = Readonly<Record<string, string>>;

/** Parameters that tell of a campaign. Source: Google Analytics, "URL builders". */
export const UTM = /^utm_./;

/**
 * As UTM, and click IDs: Google's (gclid, dclid, gbraid, wbraid), Meta's (fbclid), Microsoft's (msclkid), TikTok's
 * (ttclid), X's (twclid), LinkedIn's (li_fat_id), Reddit's (rdt_cid), Snapchat's (ScCid), Pinterest's (epik), Yandex's
 * (yclid), Quora's (qclid) and Impact's (irclickid).
 */
export const UTM_OR_CLICK_ID = /^(utm_.+|\w*cl(ic)?k?id|[gw]braid|li_fat_id|rdt_cid|ScCid|epik)$/;

/**
 * The campaign of a landing page: each `utm_x` parameter as `x`, `utm_campaign` as `name`, click IDs by their own
 * names. Source: Segment's common fields, `context.campaign`.
 */
export function readCampaign(search: string, telling = UTM): Campaign | undefined {
  if (!search) return undefined;
  const found = [...new URLSearchParams(search)]
    .filter(([key, value]) => telling.test(key) && value)
    .map(([key, value]) => [key === 'utm_campaign' ? 'name' : key.replace('utm_', ''), value] as const);
  return found[0] && Object.fromEntries(found);
}
