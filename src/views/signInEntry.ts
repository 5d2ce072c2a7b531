/** The way into a sign-in: its dialogs are loaded when one begins. */
import type { Logger } from '../auth/log.ts';
import type { SignInUi } from '../auth/signIn/ui.ts';
import type { SignInViews } from './signIn/signInUi.ts';

export type SignInEntry = {
	readonly ui: SignInUi;
	/** See {@link SignInViews.runStep}. */
	runStep(args: readonly unknown[]): Promise<void>;
};

export function createSignInEntry(log: Logger): SignInEntry {
	let views: Promise<SignInViews> | undefined;

	async function load(): Promise<SignInViews> {
		const { createSignInViews } = await import('./signIn/signInUi.ts');
		return createSignInViews(log);
	}

	return {
		ui: {
			async run(provider, work) {
				views ??= load();
				return (await views).ui.run(provider, work);
			},
		},
		// Before the first sign-in there is no link to click.
		runStep: async (args) => (await views)?.runStep(args),
	};
}
