/** The facts of a node that package.json ties commands to. Pure. */

export function contextValue(kind: string, facts: readonly (string | false)[]): string {
	return [kind, ...facts.filter((fact) => fact !== false).toSorted()].join('+');
}
