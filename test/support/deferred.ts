/** A promise that a test settles when it wants to. */

export type Deferred<T> = {
	readonly promise: Promise<T>;
	resolve(value: T): void;
};

export function createDeferred<T>(): Deferred<T> {
	let settle: (value: T) => void = () => undefined;
	const promise = new Promise<T>((resolve) => {
		settle = resolve;
	});
	return { promise, resolve: (value) => settle(value) };
}
