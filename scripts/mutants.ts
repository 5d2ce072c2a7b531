/** The small changes that `scripts/mutate.ts` makes: each turns one decision of a source file into another one. */
import { type Node, type SourceFile, SyntaxKind } from 'typescript/unstable/ast';

export type Mutant = {
	readonly line: number;
	readonly start: number;
	readonly end: number;
	readonly original: string;
	readonly replacement: string;
};

/** The operator by another one. What is between them is left as it is. */
const OPERATORS: ReadonlyMap<SyntaxKind, readonly string[]> = new Map([
	[SyntaxKind.EqualsEqualsEqualsToken, ['!==']],
	[SyntaxKind.ExclamationEqualsEqualsToken, ['===']],
	[SyntaxKind.LessThanToken, ['<=', '>=']],
	[SyntaxKind.LessThanEqualsToken, ['<', '>']],
	[SyntaxKind.GreaterThanToken, ['>=', '<=']],
	[SyntaxKind.GreaterThanEqualsToken, ['>', '<']],
	[SyntaxKind.AmpersandAmpersandToken, ['||']],
	[SyntaxKind.BarBarToken, ['&&']],
	[SyntaxKind.QuestionQuestionToken, ['&&']],
	[SyntaxKind.PlusToken, ['-']],
	[SyntaxKind.MinusToken, ['+']],
	[SyntaxKind.AsteriskToken, ['/']],
	[SyntaxKind.SlashToken, ['*']],
]);

const METHODS: Readonly<Record<string, string>> = {
	some: 'every',
	every: 'some',
	min: 'max',
	max: 'min',
	find: 'findLast',
	findLast: 'find',
	startsWith: 'endsWith',
	endsWith: 'startsWith',
};

export function mutantsOf(source: SourceFile): readonly Mutant[] {
	const found: Mutant[] = [];
	const text = source.text;

	function add(node: Node, ...replacements: readonly string[]): void {
		const start = node.getStart(source);
		const line = text.slice(0, start).split('\n').length;
		const original = text.slice(start, node.end);
		for (const replacement of replacements)
			if (replacement !== original) found.push({ line, start, end: node.end, original, replacement });
	}

	function visit(node: Node): void {
		if (isType(node)) return;
		const children: Node[] = [];
		node.forEachChild((child) => {
			children.push(child);
		});
		change(node, children, add);
		for (const child of children) visit(child);
	}

	visit(source);
	return found;
}

type Add = (node: Node, ...replacements: readonly string[]) => void;

function change(node: Node, children: readonly Node[], add: Add): void {
	const [first, second, third] = children;
	const text = (of: Node | undefined): string =>
		of === undefined ? '' : of.getSourceFile().text.slice(of.getStart(), of.end);
	switch (node.kind) {
		case SyntaxKind.BinaryExpression:
			if (second) add(second, ...(OPERATORS.get(second.kind) ?? []));
			return;
		case SyntaxKind.PrefixUnaryExpression:
			if (text(node).startsWith('!')) add(node, text(first));
			return;
		case SyntaxKind.ConditionalExpression:
		case SyntaxKind.IfStatement:
			if (first) add(first, 'true', 'false');
			return;
		case SyntaxKind.TrueKeyword:
			add(node, 'false');
			return;
		case SyntaxKind.FalseKeyword:
			add(node, 'true');
			return;
		case SyntaxKind.NumericLiteral:
			add(node, `(${text(node)} + 1)`);
			return;
		case SyntaxKind.ExpressionStatement:
			add(node, ';');
			return;
		case SyntaxKind.ArrowFunction: {
			const body = children.at(-1);
			if (body && body.kind !== SyntaxKind.Block) add(body, '(undefined as never)');
			return;
		}
		case SyntaxKind.ReturnStatement:
			if (first && text(first) !== 'undefined') add(first, '(undefined as never)');
			return;
		case SyntaxKind.PropertyAccessExpression: {
			const name = third ?? second;
			const other = name && Object.hasOwn(METHODS, text(name)) ? METHODS[text(name)] : undefined;
			if (name && other !== undefined && node.parent?.kind === SyntaxKind.CallExpression) add(name, other);
			return;
		}
		default:
	}
}

/** Types are gone when the code runs. */
function isType(node: Node): boolean {
	return (
		(node.kind >= SyntaxKind.FirstTypeNode && node.kind <= SyntaxKind.LastTypeNode) ||
		node.kind === SyntaxKind.TypeAliasDeclaration ||
		node.kind === SyntaxKind.InterfaceDeclaration ||
		node.kind === SyntaxKind.ImportDeclaration
	);
}
