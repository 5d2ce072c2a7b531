/** A code that the person types on any device. For windows whose browser cannot reach this machine. */
import { pollDeviceGrant, startDeviceGrant } from '../oauth/deviceGrant.ts';
import type { Flow } from './attempt.ts';

export const deviceFlow: Flow = async (attempt) => {
	const { provider, server, deps, signal } = attempt;
	const request = await startDeviceGrant(provider, server, attempt.scopes, deps, signal);
	const { userCode, verificationUri, url, expiresAtMs } = request;
	attempt.report({ kind: 'deviceCode', userCode, verificationUri, url, expiresAtMs });
	// The code stays visible whether or not this works: it may be typed on another device.
	void attempt.openBrowser(url);
	const credential = await pollDeviceGrant(provider, server, request, deps, signal, attempt.exchanging);
	return { credential, tell: () => Promise.resolve() };
};
