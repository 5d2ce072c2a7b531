/**
 * What a sign-in needs from the person at the keyboard. `src/views/signIn/signInUi.ts` implements it with VS Code's dialogs;
 * tests implement it with code. The core decides what to ask, the view decides how it is said.
 */
import type { Identity } from '../credential.ts';
import type { Provider } from '../provider.ts';
import type { RedirectRefusal } from './redirectAnswer.ts';

export type FlowKind = 'loopback' | 'device' | 'paste';

/** What the person sees while a flow runs, replaced whole at each step. */
export type SignInStep =
	| { readonly kind: 'waitingForOtherWindow' }
	/** A place for the credential is found before the person signs in; a store that hangs takes seconds. */
	| { readonly kind: 'preparing' }
	| { readonly kind: 'discovering' }
	/** The browser was opened (or could not be); `url` is for "Copy Link" and "Open Again". */
	| { readonly kind: 'browser'; readonly flow: 'loopback'; readonly url: string; readonly opened: boolean }
	/** The browser came back to `redirectUri` or near it with something that cannot be taken; the sign-in goes on waiting. */
	| {
			readonly kind: 'browserRefused';
			readonly flow: 'loopback';
			readonly url: string;
			readonly reason: RedirectRefusal;
			readonly redirectUri: string;
	  }
	/** RFC 8628: show code and address, and say which service it is for. */
	| {
			readonly kind: 'deviceCode';
			readonly userCode: string;
			readonly verificationUri: string;
			readonly url: string;
			readonly expiresAtMs: number;
	  }
	| { readonly kind: 'exchanging' };

/** What the person may do while a flow runs. */
export type SignInChoice =
	| 'openAgain'
	| 'anotherWay'
	| 'cancel'
	/** While another window signs in: end that sign-in and go on in this one. */
	| 'here';

/** Why what was pasted cannot be used. The view says it in words. */
export type PasteProblem =
	/** Not an address, nor the query of one. */
	| 'notAnAddress'
	/** The address of the sign-in page: the browser has not come back yet. */
	| 'signInPage'
	/** Of an earlier attempt or of another service (`state` differs). */
	| 'otherAttempt'
	/** Neither a code nor an error in it; perhaps only a part was copied. */
	| 'incomplete';

export type SignInUi = {
	/**
	 * Shows progress for the whole sign-in and keeps it until `work` settles. `work` reports steps and gets a signal
	 * that aborts when the person cancels; `onChoice` delivers "open again" and "another way".
	 */
	run<T>(provider: Provider, work: (session: SignInSession) => Promise<T>): Promise<T>;
};

export type SignInSession = {
	readonly signal: AbortSignal;
	report(step: SignInStep): void;
	/** Called when the person picks something; one handler at a time, the result unregisters it. */
	onChoice(handler: (choice: SignInChoice) => void): { dispose(): void };
	/** Opens the external browser. False if that failed or was declined. */
	openBrowser(url: string): Promise<boolean>;
	/** Asks for the address of the redirect (paste flow). Undefined if the person gave up. */
	askForRedirectUrl(
		authorizationUrl: string,
		problem: PasteProblem | undefined,
		signal: AbortSignal,
	): Promise<string | undefined>;
	/** Offers the other flows; undefined if the person stays with the present one. */
	pickFlow(available: readonly FlowKind[], current: FlowKind): Promise<FlowKind | undefined>;
	/** The account that came back is not the one expected: use it all the same? */
	confirmOtherAccount(expectedLabel: string, actual: Identity): Promise<boolean>;
};
