/**
 * Tells whether a request to the redirect address is the answer to this sign-in, and if it is not, what it is instead: a
 * person whose browser came back in vain has to hear why. Any page can send requests to this machine, so nothing of
 * what came is shown, only which of these cases it is.
 */
import type { IncomingMessage } from 'node:http';
import { parseUrl } from '../secureUrl.ts';

/** Why what looks like an answer was not taken. */
export type RedirectRefusal =
	/** Under another host name than the one that was asked for (`Host` of RFC 9110 section 7.2). */
	| 'otherHost'
	/** Another path; often a slash more at the end. */
	| 'otherPath'
	/** The `state` of another attempt. */
	| 'otherAttempt'
	/** RFC 6749 section 4.1.2: a service returns the `state` it was sent. */
	| 'noState'
	/** Neither a code nor an error: they are behind `#`, which browsers keep for themselves, or missing. */
	| 'noAnswer'
	/** As a form (OAuth 2.0 Form Post Response Mode), which was not asked for. */
	| 'form';

export type RedirectAnswer =
	| { readonly kind: 'answer'; readonly query: URLSearchParams }
	| { readonly kind: 'refused'; readonly reason: RedirectRefusal }
	/** Nothing that a service sends a browser to: an icon, a scan of ports. */
	| { readonly kind: 'foreign' };

export type ExpectedRedirect = {
	/** `127.0.0.1:<port>`. A foreign `Host` may be DNS rebinding, so it is never taken. */
	readonly authority: string;
	readonly path: string;
	/** Undefined while no sign-in has begun. */
	readonly state: string | undefined;
};

const FOREIGN: RedirectAnswer = { kind: 'foreign' };

export function readRedirect(request: IncomingMessage, expected: ExpectedRedirect): RedirectAnswer {
	const { method, headers, url: target } = request;
	const { authority, path, state } = expected;
	const url = target === undefined ? undefined : parseUrl(target, `http://${authority}`);
	if (url === undefined || state === undefined) return FOREIGN;
	const isAtPath = url.pathname === path;
	const answers = url.searchParams.has('code') || url.searchParams.has('error');
	if (method === 'POST' && isAtPath) return refused('form');
	if (method !== 'GET' || !(isAtPath || answers)) return FOREIGN;
	if (headers.host !== authority || url.host !== authority) return refused('otherHost');
	if (!isAtPath) return refused('otherPath');
	if (!answers) return refused('noAnswer');
	const states = url.searchParams.getAll('state');
	if (states.length === 0) return refused('noState');
	return states.length === 1 && states[0] === state
		? { kind: 'answer', query: url.searchParams }
		: refused('otherAttempt');
}

function refused(reason: RedirectRefusal): RedirectAnswer {
	return { kind: 'refused', reason };
}
