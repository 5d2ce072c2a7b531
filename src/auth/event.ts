/** A minimal emitter with the shape of VS Code's `Event`, so that the core can announce changes without a host. */

export type Disposable = { dispose(): void };

/** Subscribes a listener; the result unsubscribes exactly this listener. Assignable to `vscode.Event<T>`. */
export type Event<T> = (listener: (value: T) => unknown, thisArgs?: unknown, disposables?: Disposable[]) => Disposable;

export type Emitter<T> = {
	readonly event: Event<T>;
	/** Calls every listener; one that throws is reported to `onError` and does not stop the others. */
	fire(value: T): void;
	dispose(): void;
};

export function createEmitter<T>(onError: (error: unknown) => void): Emitter<T> {
	const listeners = new Set<(value: T) => unknown>();
	return {
		event(listener, thisArgs, disposables) {
			const bound = (value: T): unknown => listener.call(thisArgs, value);
			listeners.add(bound);
			const subscription = { dispose: () => void listeners.delete(bound) };
			disposables?.push(subscription);
			return subscription;
		},
		fire(value) {
			for (const listener of [...listeners]) {
				try {
					listener(value);
				} catch (error) {
					onError(error);
				}
			}
		},
		dispose: () => listeners.clear(),
	};
}

/** Collects disposables and disposes them in reverse order; what is added after that is disposed at once. */
export function createDisposables(): Disposable & { add<T extends Disposable>(item: T): T } {
	const items: Disposable[] = [];
	let disposed = false;
	return {
		add(item) {
			if (disposed) item.dispose();
			else items.push(item);
			return item;
		},
		dispose() {
			disposed = true;
			for (const item of items.splice(0).reverse()) item.dispose();
		},
	};
}
