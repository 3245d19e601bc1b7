/** The settings as documents: generated from the one table, and compared with it by a test. */
import { settings, type Setting } from './config';

const entries = (): readonly Setting<unknown>[] => Object.values<Setting<unknown>>(settings);

function defaultOf(entry: Setting<unknown>): string {
  return entry.defaultText ?? String(entry.default);
}

/** The text of `.env.example`: every setting, commented out, at its default. */
export function renderEnvExample(): string {
  const blocks = entries().map((entry) => {
    const example = entry.defaultText === undefined ? defaultOf(entry) : '';
    return `# ${entry.describe}\n# Default: ${defaultOf(entry)}\n# ${entry.name}=${example}\n`;
  });
  return [
    '# Copy to .env and change what you need; the environment wins over the file. Nothing here is required.\n',
    ...blocks,
  ].join('\n');
}

/** The README's table of settings, as Markdown. */
export function renderConfigTable(): string {
  const rows = entries().map((entry) => `| \`${entry.name}\` | ${shownDefault(entry)} | ${entry.describe} |`);
  return ['| Variable | Default | What it is for |', '| --- | --- | --- |', ...rows].join('\n');
}

function shownDefault(entry: Setting<unknown>): string {
  const isLiteral = entry.defaultText === undefined || entry.name === settings.dataDir.name;
  return isLiteral ? `\`${defaultOf(entry)}\`` : defaultOf(entry);
}
