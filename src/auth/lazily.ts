/**
 * A part that is loaded when it is first wanted, and once. A loading that failed is tried again by the next who wants it.
 * @param load imports the part's file and makes the part.
 */
export function lazily<T>(load: () => Promise<T>): () => Promise<T> {
	let part: Promise<T> | undefined;
	return () => {
		part ??= load().catch((error: unknown) => {
			part = undefined;
			throw error;
		});
		return part;
	};
}
