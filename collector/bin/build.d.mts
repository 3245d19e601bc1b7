export function buildStale(): Promise<boolean>;
export function markAllBuilt(): void;
