/* Keeps calls, with their times, until sdk.js is here and replays them in order. On a page without a content security
   policy this can stand in the page itself. */
window.throughline = window.throughline || [];
['identify', 'track', 'page', 'group', 'alias', 'screen', 'reset', 'flush'].forEach((method) => {
  window.throughline[method] = (...args) => window.throughline.push([method, args, Date.now()]);
});
