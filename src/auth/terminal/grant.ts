/** What a person answers about a consumer, and what of it counts later. */
import type { Consumer } from './consumer.ts';

/** `no` is for now; `session` is until the terminal is closed, or for the outside until the window is. */
export type ConsentAnswer = 'once' | 'session' | 'workspace' | 'never' | 'no';

/** What the settings say about a provider, before anybody is asked. */
export type ConsentPolicy = 'ask' | 'always' | 'never';

/** An answer of the person that still counts. */
export type Grant = {
	readonly id: string;
	readonly decision: 'allow' | 'never';
	readonly consumer: Consumer;
	readonly providerId: string;
	readonly grantedAtMs: number;
	/** Absent if it was not used since the window was loaded. */
	readonly lastUsedAtMs?: number;
};

/** Leave to hand out tokens to the end of one request. */
export type Permission = {
	/** False once what it rests on was revoked: to be looked at again before the token leaves. */
	holds(): boolean;
};

/** `refused_for_good`: by the setting or a "never", so the person is not asked again after a minute. */
export type Verdict =
	| { readonly kind: 'allowed'; readonly permission: Permission }
	| { readonly kind: 'refused'; readonly code: 'refused' | 'refused_for_good' }
	/** The person would have to be asked. */
	| { readonly kind: 'undecided' };
