/** What an answer of a service means for the bucket whose token was used. The only outcome of reading a report. */

/** What is used up: `rate_limit` is a limit whose end is too far away to wait for. */
export type ExhaustedReason = 'quota' | 'rate_limit' | 'credit' | 'entitlement';

export type WaitReason = 'rate_limit' | 'overloaded' | 'unavailable';

export type DeniedReason = 'scope' | 'policy' | 'forbidden' | 'bad_request';

export type Verdict = (
	| { readonly kind: 'fine' }
	/** The token itself is not accepted: one forced refresh, then the next bucket. */
	| { readonly kind: 'refused' }
	/** Move on, and leave this bucket alone until `untilMs`; without it, until somebody knows better. */
	| { readonly kind: 'exhausted'; readonly reason: ExhaustedReason; readonly untilMs?: number }
	/** The same bucket again, not before `untilMs`. Never a reason to move on. */
	| { readonly kind: 'wait'; readonly reason: WaitReason; readonly untilMs: number }
	/** The request, not the token: no other bucket is tried. */
	| { readonly kind: 'denied'; readonly reason: DeniedReason }
) & {
	/** Id of the rule that decided. */
	readonly rule: string;
};
