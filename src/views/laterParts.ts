/** Loads what a window needs besides its activation once VS Code has counted that, and ends it with the window. */
import { AuthError } from '../auth/errors.ts';
import type { Disposable } from '../auth/event.ts';
import { describeError } from '../auth/log.ts';
import type { AfterActivation, AfterActivationOptions } from './afterActivation.ts';
import type { TerminalViews } from './terminal/terminals.ts';

export type LaterParts = Disposable & {
	/** Rejects with `cancelled` when the window ends first. */
	terminals(): Promise<TerminalViews>;
};

export function startLaterParts(options: AfterActivationOptions): LaterParts {
	const { clock, log } = options;
	let parts: AfterActivation | undefined;
	let end: () => void = () => undefined;
	const ended = new Promise<never>((_, reject) => {
		end = () => reject(new AuthError('cancelled', 'the window ends'));
	});
	let isEnded = false;

	async function load(): Promise<AfterActivation> {
		const { registerAfterActivation } = await import('./afterActivation.ts');
		if (isEnded) return ended;
		parts = registerAfterActivation(options);
		return parts;
	}

	let timer: Disposable | undefined;
	const loaded = new Promise<AfterActivation>((resolve, reject) => {
		timer = clock.schedule(0, () => load().then(resolve, reject));
	});
	const ready = Promise.race([loaded, ended]);
	ready.catch((error: unknown) => {
		if (!isEnded) log.error(`activation: ${describeError(error)}`);
	});
	return {
		terminals: async () => (await ready).terminals,
		dispose() {
			isEnded = true;
			timer?.dispose();
			parts?.dispose();
			end();
		},
	};
}
