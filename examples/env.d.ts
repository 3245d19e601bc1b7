/** What Vite fills in; see the README beside this file. */
interface ImportMeta {
  readonly env: { readonly VITE_COLLECTOR: string; readonly VITE_WRITE_KEY: string };
}
