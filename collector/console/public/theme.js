/* Runs before the first paint, so that a chosen theme never flashes; a file, because the policy allows no inline script. */
try {
  const chosen = localStorage.getItem('throughline-theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
} catch {
  /* Storage is blocked: the system's theme is a fine answer. */
}
