/** Reads who imports whom, out of the sources' text: nothing is run and nothing resolved but relative paths. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import ts from 'typescript';

export interface Import {
  /** The importing file, relative to the folder that was read, e.g. `routes/ingest.ts`. */
  readonly from: string;
  /** As it is written, e.g. `../db/keys` or `node:fs`. */
  readonly specifier: string;
  /** A package, or what a relative specifier points to from the folder, without extension: `db/keys`. */
  readonly to: string;
  readonly isRelative: boolean;
  /** Gone at run time. */
  readonly isType: boolean;
  /** The names imported as values; `*` for all of them. */
  readonly names: readonly string[];
}

export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

/** All sources below a folder, sorted by path. */
export function readSources(folder: string): readonly SourceFile[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => /\.tsx?$/.test(path))
    .sort()
    .map((path) => {
      const text = readFileSync(join(folder, path), 'utf8');
      return { path, text, imports: importsIn(path, text) };
    });
}

/** The imports of one file: static, re-exporting, `import(…)` and `import('…').Type`. */
export function importsIn(path: string, text: string): readonly Import[] {
  const imports: Import[] = [];
  const add = (specifier: ts.Node | undefined, what: { isType: boolean; names: readonly string[] }): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    const isRelative = specifier.text.startsWith('.');
    const to = isRelative ? posix.join(posix.dirname(path), specifier.text) : specifier.text;
    imports.push({ from: path, specifier: specifier.text, to, isRelative, ...what });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, readClause(node.importClause));
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, readExports(node));
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      add(node.argument.literal, { isType: true, names: [] });
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], { isType: false, names: ['*'] });
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true));
  return imports;
}

function readClause(clause: ts.ImportClause | undefined): { isType: boolean; names: readonly string[] } {
  // `import './x'` runs it.
  if (clause === undefined) return { isType: false, names: ['*'] };
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return { isType: true, names: [] };
  const bindings = clause.namedBindings;
  const named = bindings !== undefined && ts.isNamedImports(bindings) ? valueNames(bindings.elements) : [];
  const all = bindings !== undefined && ts.isNamespaceImport(bindings) ? ['*'] : [];
  const names = [...(clause.name === undefined ? [] : ['default']), ...all, ...named];
  return { isType: names.length === 0, names };
}

function readExports(node: ts.ExportDeclaration): { isType: boolean; names: readonly string[] } {
  if (node.isTypeOnly) return { isType: true, names: [] };
  const clause = node.exportClause;
  if (clause === undefined || !ts.isNamedExports(clause)) return { isType: false, names: ['*'] };
  const names = valueNames(clause.elements);
  return { isType: names.length === 0, names };
}

function valueNames(elements: readonly (ts.ImportSpecifier | ts.ExportSpecifier)[]): string[] {
  return elements
    .filter((element) => !element.isTypeOnly)
    .map((element) => (element.propertyName ?? element.name).text);
}

/** Files that import each other in a circle, each circle once, e.g. `a.ts → b.ts → a.ts`. */
export function findCycles(
  files: readonly SourceFile[],
  { withTypes }: { readonly withTypes: boolean },
): readonly string[] {
  const pathOf = new Map(files.map(({ path }) => [path.replace(/\.tsx?$/, ''), path]));
  const targets = new Map(
    files.map(({ path, imports }) => [
      path,
      imports
        .filter(({ isRelative, isType }) => isRelative && (withTypes || !isType))
        .flatMap(({ to }) => pathOf.get(to.replace(/\.(js|tsx?)$/, '')) ?? []),
    ]),
  );
  const cycles = new Set<string>();
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      cycles.add([...trail.slice(start), path].join(' → '));
      return;
    }
    if (done.has(path)) return;
    for (const target of targets.get(path) ?? []) walk(target, [...trail, path]);
    done.add(path);
  };
  for (const { path } of files) walk(path, []);
  return [...cycles].sort();
}
