/** What the vault keeps of a sign-in, and whose it is. Parsed here once when it comes from disk. */
import * as v from 'valibot';

/** Trimmed; a blank value counts as absent (a blank refresh token or email is none). */
const blankIsAbsent = v.optional(
	v.pipe(
		v.string(),
		v.transform((value): string | undefined => (value.trim() === '' ? undefined : value.trim())),
	),
);

/** Whose credential it is. `issuer` and `subject` decide; the rest is for people. */
const identitySchema = v.object({
	issuer: v.string(),
	subject: blankIsAbsent,
	email: blankIsAbsent,
	name: blankIsAbsent,
});

/** The service that gave a credential; `origin.ts` compares it with the one that the settings name. */
export const originSchema = v.object({
	issuer: v.string(),
	clientId: v.string(),
	/** Origin of the token endpoint. Absent as long as only the issuer is known, which is asked where its endpoints are. */
	token: v.optional(v.string()),
	/** Origin of the revocation endpoint; absent also if the service has none. */
	revocation: v.optional(v.string()),
});

const oauthCredentialSchema = v.object({
	kind: v.literal('oauth'),
	accessToken: v.pipe(v.string(), v.trim(), v.minLength(1)),
	refreshToken: blankIsAbsent,
	/** Local wall-clock time at which the access token ends; absent if the server did not say. */
	expiresAtMs: v.optional(v.pipe(v.number(), v.finite())),
	/** The same for the refresh token. */
	refreshExpiresAtMs: v.optional(v.pipe(v.number(), v.finite())),
	/** Since when the server has named that end, over refreshes; absent means since `obtainedAtMs`. */
	refreshEndSinceMs: v.optional(v.pipe(v.number(), v.finite())),
	scopes: v.array(v.string()),
	obtainedAtMs: v.pipe(v.number(), v.finite()),
	identity: identitySchema,
	/** Kept because RP-initiated checks after a refresh compare with it (OIDC Core 12.2); never handed out. */
	idToken: blankIsAbsent,
	/** Random, of one sign-in and all that is renewed from it: by it a sign-in recognises its own credential in the vault. */
	grantId: v.optional(v.string()),
	/** The service that gave it. Absent in what an earlier version stored: see {@link Bucket.origin}. */
	origin: v.optional(originSchema),
});

const apiKeyCredentialSchema = v.object({
	kind: v.literal('apiKey'),
	accessToken: v.pipe(v.string(), v.trim(), v.minLength(1)),
	scopes: v.array(v.string()),
	obtainedAtMs: v.pipe(v.number(), v.finite()),
	identity: identitySchema,
});

export const credentialSchema = v.variant('kind', [oauthCredentialSchema, apiKeyCredentialSchema]);

export type Origin = v.InferOutput<typeof originSchema>;
export type Identity = v.InferOutput<typeof identitySchema>;
export type OAuthCredential = v.InferOutput<typeof oauthCredentialSchema>;
export type ApiKeyCredential = v.InferOutput<typeof apiKeyCredentialSchema>;
export type Credential = v.InferOutput<typeof credentialSchema>;

/** A token with less life left than this is renewed before it is handed out: clocks differ and requests take time. */
export const EXPIRY_SKEW_MS = 60_000;

/** Of a short-lived token at most this share of its life is given up to the skew, or it would be renewed at every use. */
const MAX_SKEW_SHARE = 0.25;
/** And a caller who wants much life left gets a token renewed at most when half of its life is gone. */
const MAX_MIN_TTL_SHARE = 0.5;

/** A token from further in the future than this was issued before the clock was set back: nothing is known of its life. */
const CLOCK_TOLERANCE_MS = 60_000;

/**
 * True if the access token can be handed out: with `minTtlMs` of life left, by default the skew. Unknown expiry counts as
 * valid: only the service can tell, by refusing the token.
 */
export function isFresh(credential: Credential, nowMs: number, minTtlMs?: number): boolean {
	if (credential.kind === 'apiKey' || credential.expiresAtMs === undefined) return true;
	if (credential.obtainedAtMs - nowMs > CLOCK_TOLERANCE_MS) return false;
	const lifeMs = Math.max(0, credential.expiresAtMs - credential.obtainedAtMs);
	const neededMs =
		minTtlMs === undefined
			? Math.min(EXPIRY_SKEW_MS, lifeMs * MAX_SKEW_SHARE)
			: Math.min(minTtlMs, lifeMs * MAX_MIN_TTL_SHARE);
	return credential.expiresAtMs - nowMs > neededMs;
}
