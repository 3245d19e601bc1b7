/* Keeps calls, with their times, until sdk.js is here, does them in order and keeps what they promised. On a page without
   a content security policy this can stand in the page itself. */
window.throughline = window.throughline || [];
'identify track page group alias screen reset flush close on use'.split(' ').forEach((name) => {
  throughline[name] = (...given) => new Promise((done) => throughline.push([name, given, Date.now(), done]));
});
