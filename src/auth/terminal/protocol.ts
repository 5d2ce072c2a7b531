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

/** What is read of a failed response; error bodies are short, and the rules look at their beginning. */
export const MAX_BODY_BYTES = 16 * 1024;

export const MAX_HEADERS = 32;

/** Longest API key in characters; real ones have some hundred. */
export const MAX_KEY_LENGTH = 8 * 1024;

export const pidSchema = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(2 ** 32 - 1));
const nameSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(256));
const versionSchema = v.pipe(v.number(), v.integer(), v.minValue(1));
const digestSchema = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

/** What the token is for. An open set, because it is only shown and kept in the audit. */
const useSchema = v.pipe(v.string(), v.regex(/^[a-z][a-z-]{0,31}$/));

const caller = {
	/**
	 * Answer only if the caller runs in a terminal of this window, else `not_here`: another window may be the one whose
	 * terminal it is, and the person is to be asked there.
	 */
	ownOnly: v.exactOptional(v.boolean()),
	/** The helper, its parent, its parent and so on. A claim: it serves awareness, not protection. */
	ancestors: v.pipe(v.array(pidSchema), v.maxLength(MAX_ANCESTORS)),
	cwd: v.pipe(v.string(), v.maxLength(8192)),
};

const requestSchema = v.variant('kind', [
	v.object({
		kind: v.literal('token'),
		provider: nameSchema,
		/** Id or name; absent means the bucket in force for the window. */
		bucket: v.exactOptional(nameSchema),
		/** Guaranteed remaining life in seconds. */
		minTtlS: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_MIN_TTL_S))),
		...caller,
		/** The person at the terminal agreed to a sign-in in the window if one is needed. */
		signIn: v.exactOptional(v.boolean()),
		/** Absent means `token`. */
		use: v.exactOptional(useSchema),
		/** The host that git asks for; the provider's settings must name it. */
		gitHost: v.exactOptional(nameSchema),
		/** For the editor's own sessions. */
		scopes: v.exactOptional(v.pipe(v.array(nameSchema), v.maxLength(64))),
	}),
	/** What a request with the token got; answered with advice. */
	v.object({
		kind: v.literal('report'),
		provider: nameSchema,
		/** 0 if there was no answer. */
		status: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(599)),
		retryAfter: v.exactOptional(v.pipe(v.string(), v.maxLength(64))),
		headers: v.exactOptional(
			v.pipe(v.array(v.tuple([nameSchema, v.pipe(v.string(), v.maxLength(1024))])), v.maxLength(MAX_HEADERS)),
		),
		body: v.exactOptional(v.pipe(v.string(), v.maxLength(MAX_BODY_BYTES))),
		/** SHA-256 of the token in hex; absent means the token that this terminal got last. */
		tokenDigest: v.exactOptional(digestSchema),
		...caller,
	}),
	/** Stores an API key; the person is asked each time. */
	v.object({
		kind: v.literal('addKey'),
		provider: nameSchema,
		name: v.exactOptional(nameSchema),
		key: v.pipe(v.string(), v.maxLength(MAX_KEY_LENGTH), v.regex(/^[\x21-\x7e]+$/)),
		...caller,
	}),
	v.object({ kind: v.literal('status'), ...caller }),
	v.object({ kind: v.literal('providers') }),
	v.object({ kind: v.literal('ping') }),
]);

export type TerminalRequest = v.InferOutput<typeof requestSchema>;
export type TokenTerminalRequest = Extract<TerminalRequest, { kind: 'token' }>;
export type ReportTerminalRequest = Extract<TerminalRequest, { kind: 'report' }>;
export type AddKeyTerminalRequest = Extract<TerminalRequest, { kind: 'addKey' }>;

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
	/** The person would have to be asked, and this caller cannot wait. */
	| 'undecided'
	/** Several buckets have that name. */
	| 'ambiguous_bucket'
	/** Refused for this workspace, or by the setting: asking again does not ask the person again. */
	| 'refused_for_good'
	/** The caller runs in no terminal of this window, and wanted to know only that: see `ownOnly`. */
	| 'not_here'
	/** This window has given the terminal no token of the provider, so there is nothing to report about. */
	| 'nothing_given'
	/** The settings of the provider do not name this host for git. */
	| 'foreign_host'
	/** The provider does not take API keys. */
	| 'takes_no_key'
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
		/** For `exec`: variable to what it holds, one of {@link ENVIRONMENT_VALUES}; of a newer window perhaps others. */
		environment: v.exactOptional(v.record(v.string(), v.string())),
	}),
	v.object({
		kind: v.literal('advice'),
		/** An open set here, see `Advice` in `service.ts`. */
		advice: v.string(),
		untilMs: v.exactOptional(v.pipe(v.number(), v.finite())),
		code: v.exactOptional(v.string()),
		reason: v.exactOptional(v.string()),
	}),
	v.object({ kind: v.literal('added'), name: v.string() }),
	v.object({
		kind: v.literal('status'),
		version: v.string(),
		pid: pidSchema,
		/** `outside` if the caller belongs to no terminal of the window. */
		terminal: v.picklist(['terminal', 'outside']),
		providers: v.array(
			v.object({
				id: v.string(),
				label: v.string(),
				state: v.string(),
				/** Whether this terminal gets tokens without a question. */
				allowed: v.boolean(),
				environment: v.exactOptional(v.record(v.string(), v.string())),
				/** Only for who is allowed: they name accounts. */
				buckets: v.exactOptional(
					v.array(
						v.object({
							name: v.string(),
							account: v.string(),
							state: v.string(),
							inForce: v.boolean(),
							expiresAtMs: v.exactOptional(v.pipe(v.number(), v.finite())),
						}),
					),
				),
			}),
		),
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
	} catch {
		return undefined; // JSON.parse of a string says nothing but "not JSON".
	}
}
