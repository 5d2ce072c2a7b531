/**
 * Authorization code without a listener: the browser fails to load the redirect address, and the person pastes it here.
 * The last resort where neither loopback nor device code is possible.
 */

import { randomInt } from 'node:crypto';
import { abortable } from '../clock.ts';
import { AuthError } from '../errors.ts';
import { finishCodeGrant, startCodeGrant } from '../oauth/codeGrant.ts';

import type { Flow } from './attempt.ts';
import { parsePasted } from './paste.ts';
import { redirectUriOf } from './redirectAddress.ts';
import type { PasteProblem } from './ui.ts';

/** The dynamic ports of RFC 6335 section 6: least likely to be answered by something on the browser's machine. */
const FIRST_PORT = 49_152;
const LAST_PORT = 65_535;

export const pasteFlow: Flow = async (attempt) => {
	const { provider, server, deps, signal } = attempt;
	const port = provider.client.redirectPort ?? randomInt(FIRST_PORT, LAST_PORT + 1);
	// The same form as the loopback redirect, so that services need only one registration.
	const request = await startCodeGrant(provider, server, attempt.scopes, redirectUriOf(provider.client, port));
	void attempt.openBrowser(request.url);
	let problem: PasteProblem | undefined;
	for (;;) {
		const text = await abortable(attempt.askForRedirectUrl(request.url, problem, signal), signal);
		if (text === undefined) {
			// Opening the list of other ways closes the dialog; that is no "no".
			const picking = attempt.picking();
			if (picking === undefined) throw new AuthError('cancelled', 'no address was pasted');
			await abortable(picking, signal);
			continue;
		}
		const pasted = parsePasted(text, request);
		if (pasted.kind === 'problem') {
			problem = pasted.problem;
			continue;
		}
		attempt.exchanging();
		const credential = await finishCodeGrant(provider, server, request, pasted.parameters, deps, signal);
		return { credential, tell: () => Promise.resolve() };
	}
};
