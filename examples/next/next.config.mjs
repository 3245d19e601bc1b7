/** @type {import('next').NextConfig} */
export default {
  // This folder is an app of its own; the lockfile above it is the repository's.
  turbopack: { root: import.meta.dirname },
};
