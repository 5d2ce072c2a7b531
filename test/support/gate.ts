/** A point that one side waits at until the other opens it. */

export type Gate = { readonly passed: Promise<void>; open(): void };

export function createGate(): Gate {
	let open: () => void = () => undefined;
	const passed = new Promise<void>((resolve) => {
		open = resolve;
	});
	return { passed, open: () => open() };
}
