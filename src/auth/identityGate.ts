/**
 * Is this the same person? Asked wherever one credential takes the place of another; no place may decide by provider
 * alone, because then one account's token is served under another's name (CWE-284).
 */
import type { Identity } from './credential.ts';

/**
 * True only on proof: same issuer, and the same subject on both sides, or, where neither has a subject, the same
 * email. Symmetric. Two identities that say nothing prove nothing. For a sign-in into an existing bucket.
 */
export function isSamePerson(a: Identity, b: Identity): boolean {
	if (!isSameIssuer(a, b)) return false;
	const [subjectA, subjectB] = [subjectOf(a), subjectOf(b)];
	if (subjectA !== undefined || subjectB !== undefined) return subjectA === subjectB;
	return emailOf(a) !== undefined && emailOf(a) === emailOf(b);
}

/**
 * True if `incoming` may silently take the place of `existing` in the same bucket, as when another window's record is
 * adopted. Beyond proof it allows a record to become better identified: one that says nothing, or one that knows only
 * the same email. Never to another subject, and never from identified to blank, which would let anybody in later.
 */
export function mayReplace(existing: Identity, incoming: Identity): boolean {
	if (isSamePerson(existing, incoming)) return true;
	if (!isSameIssuer(existing, incoming) || subjectOf(existing) !== undefined) return false;
	return emailOf(existing) === undefined || emailOf(existing) === emailOf(incoming);
}

function isSameIssuer(a: Identity, b: Identity): boolean {
	return a.issuer.trim() === b.issuer.trim();
}

/** Subjects are opaque: case counts. */
function subjectOf(identity: Identity): string | undefined {
	return identity.subject?.trim() || undefined;
}

function emailOf(identity: Identity): string | undefined {
	return identity.email?.trim().toLowerCase() || undefined;
}
