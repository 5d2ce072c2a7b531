/**
 * What the helper's "no" looks like: an exit code of its own for each reason a script would treat differently, and one
 * line for the person with what to do. Exit codes are an interface: they are never given another meaning.
 */
import { isoTime } from './isoTime.ts';

export const EXIT_OK = 0;
/** A defect. */
export const EXIT_INTERNAL = 1;
export const EXIT_USAGE = 2;
export const EXIT_SIGN_IN = 3;
/** Busy or out of time: the same call may work in a moment. */
export const EXIT_TRY_LATER = 4;
export const EXIT_REFUSED = 5;
export const EXIT_NO_WINDOW = 6;
/** No such provider, bucket or token. */
export const EXIT_UNKNOWN = 7;
/** The service or the vault does not work at this time, or window and helper do not understand each other. */
export const EXIT_UNAVAILABLE = 8;

/** Every account is exhausted, or the next one waits for a decision. */
export const EXIT_EXHAUSTED = 9;

export type Failure = { readonly exitCode: number; readonly line: string };

type Rule = { readonly exitCode: number; readonly text: string };

const signIn = (text: string): Rule => ({ exitCode: EXIT_SIGN_IN, text });
const tryLater = (text: string): Rule => ({ exitCode: EXIT_TRY_LATER, text });
const refused = (text: string): Rule => ({ exitCode: EXIT_REFUSED, text });
const unknown = (text: string): Rule => ({ exitCode: EXIT_UNKNOWN, text });
const exhausted = (text: string): Rule => ({ exitCode: EXIT_EXHAUSTED, text });
const unavailable = (text: string): Rule => ({ exitCode: EXIT_UNAVAILABLE, text });

const SIGN_IN_FIX = 'Sign in with the Agent Auth view in VS Code, or run this again with --sign-in.';

const RULES: ReadonlyMap<string, Rule> = new Map([
	[
		'no_window',
		{ exitCode: EXIT_NO_WINDOW, text: 'no VS Code window with Agent Auth is open. Open one and try again.' },
	],
	['no_account', signIn(`not signed in. ${SIGN_IN_FIX}`)],
	['invalid_grant', signIn(`the sign-in has ended. ${SIGN_IN_FIX}`)],
	['unknown_outcome', signIn(`two windows in a row ended while they were renewing the sign-in. ${SIGN_IN_FIX}`)],
	['unavailable', signIn(`the sign-in has expired and cannot be renewed. ${SIGN_IN_FIX}`)],
	['service_changed', signIn(`the settings name another service than the one you signed in at. ${SIGN_IN_FIX}`)],
	['locked', tryLater('another VS Code window is renewing the token and has not finished. Try again in a moment.')],
	['timeout', tryLater('no answer in time. Look for a question in the VS Code window, then try again.')],
	['cancelled', tryLater('it was cancelled. Try again.')],
	['busy', tryLater('the VS Code window has too many requests at once. Try again in a moment.')],
	['silent', tryLater('the VS Code window does not answer. Look whether it hangs or sleeps, then try again.')],
	['lost', tryLater('the VS Code window closed while it was working. Try again.')],
	['too_slow', tryLater('the VS Code window got the request too slowly. Try again.')],
	['refused', refused('you did not allow this terminal to have a token. Try again in a minute to be asked again.')],
	[
		'refused_for_good',
		refused('this is never allowed here. Change it in the Agent Auth view, or the setting agentAuth.terminal.consent.'),
	],
	['untrusted', refused('the workspace is in Restricted Mode. Trust it in VS Code and try again.')],
	['denied', refused('the sign-in was refused.')],
	['unknown_provider', unknown('no such provider. "agent-auth providers" lists them.')],
	['unknown_bucket', unknown('this provider has no such bucket. The Agent Auth view in VS Code shows them.')],
	['ambiguous_bucket', unknown('several buckets have this name. Rename one in the Agent Auth view in VS Code.')],
	['nothing_given', unknown('this terminal got no token of this provider. Name the one you used with --digest.')],
	['takes_no_key', unknown('this provider takes no API keys. "agent-auth providers" lists them.')],
	[
		'binding',
		unknown('the workspace is tied to an account that is not there or does not work. See the Agent Auth view.'),
	],
	['disabled', refused('this account is switched off. Switch it on in the Agent Auth view in VS Code.')],
	['exhausted', exhausted('every account of this provider is exhausted. The Agent Auth view says why and until when.')],
	['transient', unavailable('the service cannot be reached or does not work at this time. Try again later.')],
	['key_missing', unavailable('the key of the vault is missing. The Agent Auth view in VS Code says what to do.')],
	[
		'key_unreadable',
		unavailable('the key of the vault cannot be read. The Agent Auth view in VS Code says what to do.'),
	],
	[
		'configuration',
		unavailable('the settings of this provider are wrong. The Agent Auth view in VS Code says what to do.'),
	],
	['unauthorized', unavailable('the VS Code window did not accept this helper. Reload the window and try again.')],
	['bad_request', unavailable('the VS Code window runs another Agent Auth. Reload the window and try again.')],
	['unsupported_version', unavailable('the VS Code window runs an older Agent Auth. Reload the window and try again.')],
	['unreadable_reply', unavailable('the answer could not be understood. Reload the VS Code window and try again.')],
	// A defect on one of the two sides.
	[
		'unexpected_reply',
		{ exitCode: EXIT_INTERNAL, text: 'a window answered a question that was not asked. Reload it and try again.' },
	],
	['open_folder', unavailable('other users can write to the folder of AGENT_AUTH_RUN. Correct its mode to 0700.')],
]);

const OTHER = unavailable('it did not work. The log "Agent Auth" in VS Code says more.');

/** The exit code and the line for a code of the window or of the helper itself; codes of a newer window included. */
export function failureOf(code: string, retryAtMs?: number): Failure {
	const rule = RULES.get(code) ?? OTHER;
	const retryAt = isoTime(retryAtMs);
	const when = retryAt === undefined ? '' : ` Not before ${retryAt}.`;
	return { exitCode: rule.exitCode, line: `agent-auth: ${rule.text}${when}` };
}
