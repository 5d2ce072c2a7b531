/**
 * Reads what a person pastes from the address bar after the browser could not reach the redirect address. Tolerates
 * what copying does (spaces, quotes, a missing scheme); what it cannot use it names, so that the dialog can help.
 */
import { parseUrl } from '../secureUrl.ts';
import type { PasteProblem } from './ui.ts';

/** An address bar holds less; a whole document pasted by mistake is not searched. */
const MAX_LENGTH = 16_384;

export type Pasted =
	| { readonly kind: 'callback'; readonly parameters: URLSearchParams }
	| { readonly kind: 'problem'; readonly problem: PasteProblem };

/** @param attempt `iss` and the rest of the parameters are checked by the exchange. */
export function parsePasted(text: string, attempt: { readonly url: string; readonly state: string }): Pasted {
	// Measured first: looking for quotes takes time that grows with the square of their number.
	if (text.length > MAX_LENGTH) return problem('notAnAddress');
	const value = text.trim().replace(/^["'<]+|["'>]+$/g, '');
	if (value === '' || /\s/.test(value)) return problem('notAnAddress');
	const parameters = parametersOf(value);
	if (parameters === undefined) return problem('notAnAddress');
	if (isSignInPage(value, attempt.url)) return problem('signInPage');
	if (!isAnswer(parameters)) return problem('incomplete');
	const states = parameters.getAll('state');
	if (states.length === 0) return problem('incomplete');
	return states.length === 1 && states[0] === attempt.state
		? { kind: 'callback', parameters }
		: problem('otherAttempt');
}

function parametersOf(value: string): URLSearchParams | undefined {
	const mark = value.indexOf('?');
	const hash = value.indexOf('#');
	const query = new URLSearchParams(mark < 0 ? '' : value.slice(mark + 1).replace(/#.*$/, ''));
	// Some services put the answer behind the hash sign (OAuth 2.0 Multiple Response Types, section 2.1).
	if (hash >= 0 && !isAnswer(query)) {
		const fragment = new URLSearchParams(value.slice(hash + 1));
		if (isAnswer(fragment)) return fragment;
	}
	if (mark >= 0 || URL.canParse(value)) return query;
	return /^[\w.]+=/.test(value) ? new URLSearchParams(value) : undefined;
}

function isAnswer(parameters: URLSearchParams): boolean {
	return parameters.has('code') || parameters.has('error');
}

function isSignInPage(value: string, authorizationUrl: string): boolean {
	const [pasted, page] = [parseUrl(value), new URL(authorizationUrl)];
	return pasted?.origin === page.origin && !pasted.searchParams.has('code');
}

function problem(kind: PasteProblem): Pasted {
	return { kind: 'problem', problem: kind };
}
