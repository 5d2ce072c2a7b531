/**
 * What a command prints, parsed once: the token alone, or one JSON object in a form that the usual helpers print.
 * Whatever else is in such an object, refresh tokens above all, is not kept.
 */
import * as v from 'valibot';

export type CommandOutput =
	| { readonly kind: 'token'; readonly token: string; readonly expiresAtMs?: number }
	/** `reason` continues "the command"; it quotes nothing of what was printed. */
	| { readonly kind: 'invalid'; readonly reason: string };

/** What may stand in a header: visible ASCII. */
const TOKEN = /^[\x21-\x7e]+$/;
/** Smaller numbers are seconds (until the year 5138), larger ones milliseconds (since 1973). */
const FIRST_MS_NUMBER = 1e11;
/** The end of the year 9999, beyond which ISO 8601 has no plain form. */
const LAST_MS = 253_402_300_799_999;
/** RFC 3339: a time without a zone is the time of an unknown place. */
const TIMESTAMP = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:?\d{2})$/;

const text = v.optional(v.nullable(v.string()));
const instant = v.optional(v.nullable(v.union([v.string(), v.number()])));

const printed = v.looseObject({
	token: text,
	access_token: text,
	/** `az account get-access-token` */
	accessToken: text,
	expires_at: instant,
	expiresAt: instant,
	/** `az`, in seconds; its `expiresOn` has no zone. */
	expires_on: instant,
	/** AWS `credential_process`. */
	Token: text,
	Expiration: instant,
	expires_in: instant,
	/** kubectl, client.authentication.k8s.io. */
	kind: v.optional(v.unknown()),
	status: v.optional(v.unknown()),
});

const execStatus = v.looseObject({ token: v.string(), expirationTimestamp: instant });

/** @param startedAtMs when the command was started, from which `expires_in` is counted */
export function parseCommandOutput(stdout: Uint8Array, startedAtMs: number): CommandOutput {
	let decoded: string;
	try {
		decoded = new TextDecoder('utf-8', { fatal: true }).decode(stdout).trim();
	} catch {
		return invalid('printed something that is not UTF-8'); // The decoder's error says no more.
	}
	if (decoded === '') return invalid('printed nothing');
	if (decoded.startsWith('{')) return parseObject(decoded, startedAtMs);
	if (/[\r\n]/.test(decoded)) return invalid('printed more than one line');
	return tokenOf(decoded, undefined);
}

function parseObject(decoded: string, startedAtMs: number): CommandOutput {
	let value: unknown;
	try {
		value = JSON.parse(decoded);
	} catch {
		return invalid('printed JSON that cannot be read'); // The error's text quotes the output.
	}
	const result = v.safeParse(printed, value);
	if (!result.success) return invalid('printed JSON with a field of the wrong type');
	const { output } = result;
	if (output.kind === 'ExecCredential') {
		const status = v.safeParse(execStatus, output.status);
		if (!status.success) return invalid('printed an ExecCredential without a token');
		return tokenOf(status.output.token, instantOf(status.output.expirationTimestamp));
	}
	if ('AccessKeyId' in output) return invalid('printed AWS keys, which sign requests and are no token');
	const token = [output.token, output.access_token, output.accessToken, output.Token].find(isPresent);
	if (token === undefined) return invalid('printed JSON without a token');
	const expiresAt = [output.expires_at, output.expiresAt, output.expires_on, output.Expiration].find(isPresent);
	return tokenOf(token, expiresAt === undefined ? lifeOf(output.expires_in, startedAtMs) : instantOf(expiresAt));
}

/** @param expiresAtMs NaN if it could not be read: an end that is unknown must not pass for none */
function tokenOf(token: string, expiresAtMs: number | undefined): CommandOutput {
	if (token.trim() === '') return invalid('printed an empty token');
	if (!TOKEN.test(token.trim())) return invalid('printed a token with characters that no header can carry');
	if (expiresAtMs === undefined) return { kind: 'token', token: token.trim() };
	if (!(expiresAtMs >= 0 && expiresAtMs <= LAST_MS)) return invalid('printed an expiry that is no time with a zone');
	return { kind: 'token', token: token.trim(), expiresAtMs };
}

function instantOf(value: string | number | null | undefined): number | undefined {
	if (!isPresent(value)) return undefined;
	const number = numberOf(value);
	if (!Number.isNaN(number)) return number < FIRST_MS_NUMBER ? number * 1000 : number;
	return typeof value === 'string' && TIMESTAMP.test(value) ? Date.parse(value) : Number.NaN;
}

/** RFC 6749 section 5.1: seconds from now. */
function lifeOf(value: string | number | null | undefined, startedAtMs: number): number | undefined {
	if (!isPresent(value)) return undefined;
	const seconds = numberOf(value);
	return seconds >= 0 ? startedAtMs + seconds * 1000 : Number.NaN;
}

function numberOf(value: string | number): number {
	if (typeof value === 'number') return value;
	return /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
}

/** A blank field is an absent one: that is how programs print what they do not know. */
function isPresent<T extends string | number>(value: T | null | undefined): value is T {
	return value !== undefined && value !== null && value !== '';
}

function invalid(reason: string): CommandOutput {
	return { kind: 'invalid', reason };
}
