/** What a bucket may be called. Pure. */

/** Longer names are not read from the settings of a workspace; see `hostBindings.ts`. */
const LONGEST_NAME = 200;

/** @param others the names of the provider's other buckets: bindings and terminals tell buckets apart by them. */
export function nameProblem(value: string, others: readonly string[]): 'blank' | 'taken' | 'long' | undefined {
	const name = value.trim();
	if (name === '') return 'blank';
	if (name.length > LONGEST_NAME) return 'long';
	return others.includes(name) ? 'taken' : undefined;
}
