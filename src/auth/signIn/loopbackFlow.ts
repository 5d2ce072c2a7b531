/** Authorization code with the redirect to this machine: the person only uses the browser. */
import { abortable } from '../clock.ts';
import { isAuthError } from '../errors.ts';
import { finishCodeGrant, startCodeGrant } from '../oauth/codeGrant.ts';

import type { Attempt, AttemptResult, Flow } from './attempt.ts';
import type { LoopbackListener } from './loopback.ts';
import { listenForRedirect } from './loopback.ts';
import type { ResultPage } from './page.ts';

export const loopbackFlow: Flow = async (attempt) => {
	const { provider, deps } = attempt;
	const listener = await listenForRedirect({
		provider,
		client: provider.client,
		clock: deps.clock,
		log: deps.log,
	});
	try {
		return await run(attempt, listener);
	} catch (error) {
		await listener.finish(pageOfFailure(error, provider.label));
		throw error;
	}
};

async function run(attempt: Attempt, listener: LoopbackListener): Promise<AttemptResult> {
	const { provider, server, deps, signal } = attempt;
	const request = await startCodeGrant(provider, server, attempt.scopes, listener.redirectUri);
	const { url } = request;
	const { redirectUri } = listener;
	const arrival = listener.expect(request.state, (reason) =>
		attempt.report({ kind: 'browserRefused', flow: 'loopback', url, reason, redirectUri }),
	);
	attempt.report({ kind: 'browser', flow: 'loopback', url, opened: true });
	// Not awaited: the host may ask before it opens, and the link can be copied meanwhile.
	void attempt.openBrowser(url).then((opened) => {
		if (!opened) attempt.report({ kind: 'browser', flow: 'loopback', url, opened });
	});
	const callback = await abortable(arrival, signal);
	attempt.exchanging();
	const credential = await finishCodeGrant(provider, server, request, callback, deps, signal);
	return { credential, tell: listener.finish };
}

/** How a failed sign-in reads in the browser. */
export function pageOfFailure(error: unknown, service: string): ResultPage {
	if (!isAuthError(error)) return { kind: 'failed', service };
	switch (error.code) {
		case 'cancelled':
			return { kind: 'cancelled', service };
		case 'timeout':
			return { kind: 'timedOut', service };
		case 'denied':
			return { kind: 'denied', service };
		case 'identity':
			return { kind: 'otherAccount', service };
		default: {
			const { serverError } = error.detail;
			return { kind: 'failed', service, ...(serverError && { reason: serverError }) };
		}
	}
}
