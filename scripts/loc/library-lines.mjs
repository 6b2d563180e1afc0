/** Which lines of a program are there because of Perdure. */
import ts from 'typescript';

/**
 * The lines, counted from 1, that import something of the library, name something of it, or name what was made with it or
 * injected by it: a workflow, an engine. So does each line of the options that it is given.
 *
 * @param {string} text a program, made of several files or one
 * @returns {Set<number>}
 */
export function libraryLines(text) {
  const source = ts.createSourceFile('program.tsx', text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);
  const names = namesOf(source);
  /** @type {Set<number>} */
  const lines = new Set();
  /** @param {ts.Node} node */
  const count = (node) => lines.add(source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1);
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isImportDeclaration(node) && isLibrary(node)) count(node);
    else if (ts.isIdentifier(node) && names.has(node.text) && !isMember(node)) count(node);
    if (ts.isCallExpression(node) && isMadeWith(node, names)) {
      for (const argument of node.arguments) {
        if (ts.isObjectLiteralExpression(argument)) argument.properties.forEach(count);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return lines;
}

/**
 * What is imported from the library, and what is made by calling it or injected by its decorators, also across the files of
 * the program.
 *
 * @param {ts.SourceFile} source
 * @returns {Set<string>}
 */
function namesOf(source) {
  /** @type {Set<string>} */
  const names = new Set();
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isImportDeclaration(node) && isLibrary(node)) addNames(node, names);
    if (ts.isVariableDeclaration(node) && node.initializer !== undefined && isMadeWith(node.initializer, names)) {
      addNames(node.name, names);
    }
    if (ts.isParameter(node) && ts.getDecorators(node)?.some(({ expression }) => isMadeWith(expression, names))) {
      addNames(node.name, names);
    }
    ts.forEachChild(node, visit);
  };
  for (let before = -1; before !== names.size;) {
    before = names.size;
    visit(source);
  }
  return names;
}

/** @param {ts.ImportDeclaration} declaration */
function isLibrary({ moduleSpecifier }) {
  return ts.isStringLiteral(moduleSpecifier) && /^@perdure\/(?!example-)/.test(moduleSpecifier.text);
}

/**
 * @param {ts.Node} node
 * @param {Set<string>} names
 */
function addNames(node, names) {
  if (ts.isIdentifier(node)) names.add(node.text);
  ts.forEachChild(node, (child) => addNames(child, names));
}

/** In `a.b`, `b` is no name of this program; in `this.b` it is. @param {ts.Identifier} node */
function isMember(node) {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node && !isOfThis(parent);
  return ts.isPropertyAssignment(parent);
}

/** @param {ts.PropertyAccessExpression} access */
function isOfThis(access) {
  return access.expression.kind === ts.SyntaxKind.ThisKeyword;
}

/**
 * Whether a call, or a chain of them, begins with one of the names.
 *
 * @param {ts.Node} node
 * @param {Set<string>} names
 * @returns {boolean}
 */
function isMadeWith(node, names) {
  if (ts.isIdentifier(node)) return names.has(node.text);
  if (ts.isPropertyAccessExpression(node) && isOfThis(node)) return names.has(node.name.text);
  if (ts.isCallExpression(node) || ts.isPropertyAccessExpression(node) || ts.isAwaitExpression(node)) {
    return isMadeWith(node.expression, names);
  }
  return false;
}
