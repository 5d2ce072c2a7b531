/** The setting `agentAuth.bindings` as a value: provider ids, each with the name of a bucket. Pure. */

/** The setting with this entry; every other one stays as it is. */
export function withBinding(value: unknown, providerId: string, bucketName: string): Record<string, unknown> {
	return { ...entriesOf(value), [providerId]: bucketName };
}

/** The setting without the entry; undefined if nothing is left, which takes the setting out of the file. */
export function withoutBinding(value: unknown, providerId: string): Record<string, unknown> | undefined {
	const { [providerId]: _gone, ...rest } = entriesOf(value);
	return Object.keys(rest).length === 0 ? undefined : rest;
}

export function hasBinding(value: unknown, providerId: string): boolean {
	return Object.hasOwn(entriesOf(value), providerId);
}

/** Settings can be edited by hand into anything. */
function entriesOf(value: unknown): Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}
