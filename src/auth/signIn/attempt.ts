/** What one run of one flow gets, and what it hands back. */
import type { AuthorizationServer } from 'oauth4webapi';
import type { OAuthCredential } from '../credential.ts';
import type { OAuthDeps } from '../oauth/deps.ts';
import type { OAuthProvider } from '../provider.ts';
import type { ResultPage } from './page.ts';
import type { SignInSession, SignInStep } from './ui.ts';

export type Attempt = {
	readonly provider: OAuthProvider;
	readonly server: AuthorizationServer;
	readonly scopes: readonly string[];
	readonly deps: OAuthDeps;
	/** Aborts at cancel, at the deadline, and when the person changes to another flow. */
	readonly signal: AbortSignal;
	readonly askForRedirectUrl: SignInSession['askForRedirectUrl'];
	report(step: SignInStep): void;
	/** Opens the browser, once, and keeps the address for "open again". The result never rejects. */
	openBrowser(url: string): Promise<boolean>;
	/** From here on the flow can no longer be changed for another one: the server has given its answer. */
	exchanging(): void;
	/** Resolves when the dialog in which the person picks another flow has closed; undefined if none is open. */
	picking(): Promise<void> | undefined;
};

export type AttemptResult = {
	readonly credential: OAuthCredential;
	/** Tells the browser how it ended, where it is waiting. Never rejects. */
	tell(page: ResultPage): Promise<void>;
};

/** Rejects with an `AuthError`, after it has told the browser. */
export type Flow = (attempt: Attempt) => Promise<AttemptResult>;
