import { readFileSync } from 'node:fs';
import ts from 'typescript';

/** What a module exports: its name, and whether it is only a type. */
export interface ExportedName {
  readonly name: string;
  readonly isType: boolean;
}

/** What a module exports by its own words: it is only read, so `export *` says nothing. */
export function exportsOf(path: string): readonly ExportedName[] {
  return parse(path, readFileSync(path, 'utf8')).statements.flatMap((statement): ExportedName[] => {
    if (ts.isExportDeclaration(statement) && statement.exportClause && ts.isNamedExports(statement.exportClause)) {
      return statement.exportClause.elements.map((element) => ({
        name: element.name.text,
        isType: statement.isTypeOnly || element.isTypeOnly,
      }));
    }
    const isExported =
      ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true;
    if (!isExported) return [];
    const isType = ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement);
    return declaredBy(statement).map((name) => ({ name, isType }));
  });
}

/** What a module says without having declared or imported it at its top; and more, since nested scopes are not looked at. */
export function usedNames(
  path: string,
  code: string,
): { readonly used: ReadonlySet<string>; readonly hasImports: boolean } {
  const file = parse(path, code);
  const used = new Set<string>();
  const look = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && !isMemberName(node)) used.add(node.text);
    ts.forEachChild(node, look);
  };
  look(file);
  for (const statement of file.statements) for (const name of declaredBy(statement)) used.delete(name);
  return { used, hasImports: file.statements.some((statement) => ts.isImportDeclaration(statement)) };
}

function parse(path: string, code: string): ts.SourceFile {
  return ts.createSourceFile(path, code, ts.ScriptTarget.ES2022, true);
}

/** `b` in `a.b`, or in `{ b: 1 }`. */
function isMemberName(node: ts.Identifier): boolean {
  const { parent } = node;
  return (
    (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
    (ts.isPropertyAssignment(parent) && parent.name === node)
  );
}

function declaredBy(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.flatMap(({ name }) => boundBy(name));
  }
  if (ts.isImportDeclaration(statement)) {
    const { name, namedBindings } = statement.importClause ?? {};
    const named =
      namedBindings === undefined
        ? []
        : ts.isNamedImports(namedBindings)
          ? namedBindings.elements.map((element) => element.name.text)
          : [namedBindings.name.text];
    return [...(name === undefined ? [] : [name.text]), ...named];
  }
  const isNamed =
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement);
  return isNamed && statement.name !== undefined ? [statement.name.text] : [];
}

function boundBy(name: ts.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((element) => (ts.isOmittedExpression(element) ? [] : boundBy(element.name)));
}
