/**
 * The branches of a source file, and which of them V8 saw taken. Node's own report joins what processes counted in a way
 * that flatters: a block that one process split and another did not counts several times, and what is in a function that nobody
 * called does not count at all. Here the branches are those of the source, whoever ran it: both sides of `if` (also the one that
 * is not written) and of `? :`, each clause of `switch`, the right side of `&&`, `||` and `??`. V8 does not count defaults of
 * parameters, `?.` and `??=`; so they are left out.
 */
import { type Node, type SourceFile, SyntaxKind } from 'typescript/unstable/ast';

/** One count per process, of the block that begins at `offset`. */
export type V8Range = { readonly startOffset: number; readonly endOffset: number; readonly count: number };
/** What one process did in one file, as `NODE_V8_COVERAGE` writes it. */
export type V8Functions = readonly { readonly ranges: readonly V8Range[] }[];

export type Branch = {
	readonly line: number;
	readonly kind: 'then' | 'else' | 'case' | '&&' | '||' | '??';
	/** Where the branch begins. For an `else` that is not written: where its `then` begins. */
	readonly offset: number;
	/** Only for an `else` that is not written: where its `if` begins. */
	readonly ifOffset?: number;
};

const LOGICAL: ReadonlyMap<SyntaxKind, Branch['kind']> = new Map([
	[SyntaxKind.AmpersandAmpersandToken, '&&'],
	[SyntaxKind.BarBarToken, '||'],
	[SyntaxKind.QuestionQuestionToken, '??'],
]);

export function branchesOf(source: SourceFile): readonly Branch[] {
	const found: Branch[] = [];
	function add(node: Node, kind: Branch['kind'], hidden?: Node): void {
		const offset = node.getStart(source);
		const line = source.text.slice(0, offset).split('\n').length;
		found.push({ line, kind, offset, ...(hidden && { ifOffset: hidden.getStart(source) }) });
	}
	function visit(node: Node): void {
		const children: Node[] = [];
		node.forEachChild((child) => {
			children.push(child);
		});
		const [, second, third, fourth, fifth] = children;
		if (node.kind === SyntaxKind.IfStatement && second) {
			add(second, 'then');
			if (third) add(third, 'else');
			else add(second, 'else', node);
		}
		// V8 begins to count at the token, and a side can be a function, which has a count of its own.
		if (node.kind === SyntaxKind.ConditionalExpression && second && fourth && fifth) {
			add(second, 'then');
			add(fourth, 'else');
		}
		if (node.kind === SyntaxKind.CaseClause || node.kind === SyntaxKind.DefaultClause) add(node, 'case');
		const logical = node.kind === SyntaxKind.BinaryExpression && second && LOGICAL.get(second.kind);
		if (logical) add(second, logical);
		for (const child of children) visit(child);
	}
	visit(source);
	return found;
}

/** True if one of the processes took the branch. */
export function isTaken({ offset, ifOffset }: Branch, processes: readonly V8Functions[]): boolean {
	return processes.some((functions) => {
		const count = countAt(functions, offset);
		return ifOffset === undefined ? count > 0 : countAt(functions, ifOffset) > count;
	});
}

/** The count of the innermost block around `offset`. V8 lists blocks and functions that touch only as nested in one another. */
function countAt(functions: V8Functions, offset: number): number {
	let innermost: V8Range | undefined;
	for (const { ranges } of functions)
		for (const range of ranges) {
			if (offset < range.startOffset || offset >= range.endOffset) continue;
			const isInner = !innermost || range.endOffset - range.startOffset <= innermost.endOffset - innermost.startOffset;
			if (isInner) innermost = range;
		}
	return innermost?.count ?? 0;
}
