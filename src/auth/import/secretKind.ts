/** What kind of secret a variable holds, by its name and by the marks that services put at the front of their tokens. */

export type SecretKind =
	| 'key'
	| 'empty'
	/** What an example file has in its place. */
	| 'placeholder'
	/** Names another variable, a command or a password store. */
	| 'reference'
	/** White space or characters that no header can carry, or longer than any key. */
	| 'malformed'
	/** Works for one owner only: whoever uses a copy second ends the session. */
	| 'refreshToken'
	/** An access token of somebody's sign-in: it ends soon and belongs to the tool that signed in. */
	| 'session';

const KEY = /^[\x21-\x7e]{1,8192}$/;
/** No service gives shorter keys. */
const MIN_KEY_CHARACTERS = 8;

/** Also where nothing else is known of the variable: these are named, and refused, wherever they are seen. */
export const REFRESH_TOKEN_NAME = /REFRESH_?TOKEN/i;
const SESSION_NAME = /(?:OAUTH|SESSION)_?TOKEN$/i;
/** GitHub and Anthropic mark theirs; Google's begin with `1//`. */
const REFRESH_VALUE = /^(?:ghr_|sk-ant-ort|1\/\/0)/;
/** GitHub's app and OAuth tokens, Anthropic's and Google's OAuth access tokens, and signed tokens in general (RFC 7519). */
const SESSION_VALUE = /^(?:gh[ous]_|sk-ant-oat|ya29\.|eyJ[\w-]+\.[\w-]+\.)/;
const STORE_REFERENCE = /^(?:op|vault|keyring|keychain|secret|aws-sm|gcp-sm|bws|doppler|file|env):\/\//i;
const PLACEHOLDER =
	/^<.*>$|^\[.*\]$|^(?:your|my|insert|enter|replace|put|paste|change|todo|example|dummy|fake|none|null|undefined)(?:[-_ ].*)?$|^(?:sk-)?(?:\.{3,}|x{3,}|\*{3,})|(?:[-_.]|^)(?:your|here|changeme|placeholder)(?:[-_.]|$)/i;

/** @param refers the value is put together from others when the file is loaded */
export function secretKind(name: string, value: string, refers: boolean): SecretKind {
	const secret = value.trim();
	if (secret === '') return 'empty';
	if (REFRESH_TOKEN_NAME.test(name) || REFRESH_VALUE.test(secret)) return 'refreshToken';
	if (SESSION_NAME.test(name) || SESSION_VALUE.test(secret) || secret.startsWith('{')) return 'session';
	if (refers || STORE_REFERENCE.test(secret)) return 'reference';
	if (PLACEHOLDER.test(secret)) return 'placeholder';
	if (!KEY.test(secret)) return 'malformed';
	return secret.length < MIN_KEY_CHARACTERS ? 'placeholder' : 'key';
}
