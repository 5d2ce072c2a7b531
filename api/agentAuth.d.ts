/**
 * The API of Agent Auth for other extensions, version 1. Copy this file into your project; it has types only.
 *
 * Tokens come from `vscode.authentication.getSession('agent-auth.<provider>', scopes)`, with the person's consent. This API
 * takes what came of them and says what to do next. It never returns a token.
 *
 * An extension in another extension host (a remote one, say) has no exports of this one. There the commands do the same:
 * `agentAuth.report` takes a {@link Report} and answers {@link Advice}.
 */

/** `vscode.extensions.getExtension<AgentAuthApi>('agent-auth.agent-auth')?.activate()` */
export interface AgentAuthApi {
	readonly version: 1;

	/**
	 * Tells what a request with a token got: failures, and once in a while also that it worked. Rejects with an error whose
	 * `code` is `configuration` if it is no such report.
	 */
	report(report: Report): Promise<Advice>;

	/**
	 * Keeps the account "Automatic" with the credential that it has now, as long as that can be used, also when an earlier
	 * one comes back: for work that would lose a warm cache. Ends with `dispose`, or by itself after `forMs` (at most a day).
	 */
	hold(options: HoldOptions): { dispose(): void };
}

export interface Report {
	/** The provider's id, as in the settings or as in VS Code (`agent-auth.<provider>`). */
	readonly provider: string;
	/** SHA-256 of the token that the request carried, in lower-case hex. Reports about other tokens are ignored. */
	readonly tokenDigest: string;
	/** HTTP status; 0 if there was no answer. */
	readonly status: number;
	/** All headers of the answer, or those about limits and retrying. At most 100 are read. */
	readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
	/** The beginning of the answer's body; 16 KB are read. */
	readonly body?: string;
	/** True if you asked for this account by name: then no other account's token is offered. */
	readonly named?: boolean;
	/** The same for all attempts of one request: then no credential is offered twice for it. */
	readonly requestKey?: string;
}

export interface HoldOptions {
	readonly provider: string;
	/** Yours; holds with different keys are counted apart, and one with the same key takes the place of the one before. */
	readonly sessionKey: string;
	/** In ms; at most a day. */
	readonly forMs: number;
}

/** What to do next. */
export type Advice =
	/** No token of ours, or nothing to do: treat the answer as you would without us. */
	| { readonly kind: 'ignored' }
	/** Send the request again as it is. */
	| { readonly kind: 'retry' }
	/** Ask `getSession` again, silently, and send the request with the token that you get. */
	| { readonly kind: 'retryWithNewToken' }
	/**
	 * Wait until `untilMs` (ms since the epoch), then ask for a token again. Without it only the person can end the wait; they
	 * have been told.
	 */
	| {
			readonly kind: 'wait';
			readonly untilMs?: number;
			readonly reason: 'service' | 'limit' | 'exhausted' | 'decision' | 'busy';
	  }
	/** Ask `getSession` with `createIfNone: true` when the person does something that needs it. */
	| { readonly kind: 'signIn' }
	/** Trying again would get the same answer. */
	| { readonly kind: 'giveUp'; readonly code: string; readonly reason: string };
