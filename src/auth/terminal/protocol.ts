/**
 * What the terminal helper and a window say to each other, parsed on both ends.
 *
 * One request per connection. The helper sends one line: the secret of the window's descriptor, a space, the request as
 * JSON. The window answers with lines of JSON: any number of `progress`, then exactly one other reply, then it closes.
 * The secret stands before the JSON so that nothing of a stranger's is parsed. The two ends may be of different
 * versions of the extension: unknown fields are ignored, and only a change that the other end must not ignore counts
 * the version up.
 */
import * as v from 'valibot';

export const PROTOCOL_VERSION = 1;

/** Longest line in bytes. A token is a few KiB at most; anything longer is not one of ours. */
export const MAX_FRAME_BYTES = 64 * 1024;

/** 256 bits in hex. */
export const SECRET_LENGTH = 64;

/** Deeper process trees than this are cut: the terminal is near the caller. */
export const MAX_ANCESTORS = 64;

/** Longest life that may be asked for, 30 days: beyond it the number is a mistake. */
export const MAX_MIN_TTL_S = 30 * 24 * 60 * 60;

export const pidSchema = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(2 ** 32 - 1));
const nameSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(256));
const versionSchema = v.pipe(v.number(), v.integer(), v.minValue(1));

const requestSchema = v.variant('kind', [
	v.object({
		kind: v.literal('token'),
		provider: nameSchema,
		/** Id or name; absent means the bucket in force for the window. */
		bucket: v.exactOptional(nameSchema),
		/** Guaranteed remaining life in seconds. */
		minTtlS: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_MIN_TTL_S))),
		/** The helper's parent, its parent and so on. A claim: it serves awareness, not protection. */
		ancestors: v.pipe(v.array(pidSchema), v.maxLength(MAX_ANCESTORS)),
		cwd: v.pipe(v.string(), v.maxLength(8192)),
		/** The person at the terminal agreed to a sign-in in the window if one is needed. */
		signIn: v.exactOptional(v.boolean()),
	}),
	v.object({ kind: v.literal('providers') }),
	v.object({ kind: v.literal('ping') }),
]);

export type TerminalRequest = v.InferOutput<typeof requestSchema>;
export type TokenTerminalRequest = Extract<TerminalRequest, { kind: 'token' }>;

/** What can go wrong between helper and window besides an `AuthErrorCode`. */
export type ProtocolErrorCode =
	/** The secret is not this window's. */
	| 'unauthorized'
	| 'bad_request'
	| 'too_large'
	/** The request did not arrive in time. */
	| 'too_slow'
	/** Too many connections at once. */
	| 'busy'
	/** The request is of a newer protocol than this window knows. */
	| 'unsupported_version'
	| 'unknown_bucket'
	/** Several buckets have that name. */
	| 'ambiguous_bucket'
	/** A defect in the window; its log says more. */
	| 'internal';

export const PROVIDER_STATES = ['signedIn', 'needsSignIn', 'signedOut'] as const;

const replySchema = v.variant('kind', [
	/** The request was understood and is being worked on; `step` is an open set. */
	v.object({ kind: v.literal('progress'), step: v.string() }),
	v.object({
		kind: v.literal('token'),
		/** Without control characters: it is written to a terminal and into headers. */
		accessToken: v.pipe(v.string(), v.regex(/^[^\p{Cc}]+$/u)),
		expiresAtMs: v.exactOptional(v.pipe(v.number(), v.finite())),
	}),
	v.object({
		kind: v.literal('providers'),
		providers: v.array(v.object({ id: v.string(), label: v.string(), state: v.string() })),
	}),
	v.object({ kind: v.literal('pong'), pid: pidSchema }),
	v.object({
		kind: v.literal('error'),
		/** An `AuthErrorCode` or a `ProtocolErrorCode` of the window's version, so an open set here. */
		code: v.string(),
		/** Earliest time at which trying again makes sense. */
		retryAtMs: v.exactOptional(v.pipe(v.number(), v.finite())),
	}),
]);

export type TerminalReply = v.InferOutput<typeof replySchema>;
export type FinalReply = Exclude<TerminalReply, { kind: 'progress' }>;
export type ProgressStep = 'accepted' | 'asking' | 'signingIn';

export type ParsedRequest =
	| { readonly kind: 'request'; readonly request: TerminalRequest }
	| { readonly kind: 'invalid'; readonly code: 'bad_request' | 'unsupported_version' };

/** The line the helper sends. */
export function encodeRequest(secret: string, request: TerminalRequest): string {
	return `${secret} ${JSON.stringify({ version: PROTOCOL_VERSION, ...request })}\n`;
}

/** Reads the JSON behind the secret. */
export function parseRequest(text: string): ParsedRequest {
	const json = parseJson(text);
	const envelope = v.safeParse(v.object({ version: versionSchema }), json);
	if (!envelope.success) return { kind: 'invalid', code: 'bad_request' };
	if (envelope.output.version > PROTOCOL_VERSION) return { kind: 'invalid', code: 'unsupported_version' };
	const parsed = v.safeParse(requestSchema, json);
	return parsed.success ? { kind: 'request', request: parsed.output } : { kind: 'invalid', code: 'bad_request' };
}

/** A line the window sends. */
export function encodeReply(reply: TerminalReply): string {
	return `${JSON.stringify({ version: PROTOCOL_VERSION, ...reply })}\n`;
}

/** Undefined if the line is not a reply that this version understands. */
export function parseReply(text: string): TerminalReply | undefined {
	const parsed = v.safeParse(replySchema, parseJson(text));
	return parsed.success ? parsed.output : undefined;
}

/** Undefined for what is not JSON; JSON itself has no undefined. */
export function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch (error) {
		// Only a SyntaxError can come out of JSON.parse of a string, and it says nothing but "not JSON".
		if (error instanceof SyntaxError) return undefined;
		throw error;
	}
}
