/** Says so in one line where Node is too old, instead of a syntax error somewhere inside. */
export function refuseOldNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`Throughline needs Node 20.19 or newer, and this is ${process.versions.node}.`);
  process.exit(1);
}
