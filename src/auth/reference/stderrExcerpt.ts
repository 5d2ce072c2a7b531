/**
 * What a failed command said, fit for the log: one bounded line. Programs print requests, answers and whole
 * environments there, so every word that it also printed as its answer and every word that looks like a secret is taken out.
 */

/** About three lines of a terminal. */
const MAX_CHARACTERS = 300;
/** Shorter words are no secrets, and taking them out would leave nothing to read. */
const MIN_SECRET_CHARACTERS = 6;
/** A run of the characters of tokens, base64 and percent-encoding with a digit in it, or one too long for a word. */
const TOKEN_SHAPE = /(?=[A-Za-z_.~+/%-]*\d)[\w.~+/%-]{16,}=*|[\w.~+/%-]{32,}=*/g;
/** What stands behind one of these names, however short it is. */
const NAMED =
	/((?:(?:token|secret|passw(?:or)?d|passphrase|api[_-]?key|authorization|code|pin)["']?\s?[:=]\s?["']?(?:(?:bearer|basic)\s)?|\b(?:bearer|basic)\s))[^\s"',;]+/gi;
const GONE = '[removed]';

/**
 * @param stdout what the command printed as its answer, even if it failed
 * @param secrets tokens that are known otherwise
 * @returns the end of it; empty if it said nothing
 */
export function stderrExcerpt(stderr: Uint8Array, stdout: Uint8Array, secrets: readonly string[]): string {
	const decoder = new TextDecoder();
	const words = decoder.decode(stdout).split(/[\s"',{}[\]]+/);
	const known = [...secrets, ...words].filter(({ length }) => length >= MIN_SECRET_CHARACTERS);
	// The longest first: a word may be part of another one.
	known.sort((left, right) => right.length - left.length);
	let said = decoder.decode(stderr);
	for (const secret of new Set(known)) said = said.replaceAll(secret, GONE);
	const line = said
		.replaceAll(/\p{Cc}+|\p{Cf}+|\s+/gu, ' ')
		.replaceAll(NAMED, `$1${GONE}`)
		.replaceAll(TOKEN_SHAPE, GONE)
		.trim();
	return line.length > MAX_CHARACTERS ? `…${line.slice(-MAX_CHARACTERS)}` : line;
}
