/**
 * Which addresses credentials may travel to: https, and plain http only on this machine (RFC 9700 section 2.6,
 * RFC 8252 section 8.3). One rule for settings, server metadata and every request.
 */

const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost']);

/** `insecure`: a valid address, but http beyond this machine. `invalid`: no http(s) address, or one with a password or a fragment. */
export type UrlVerdict = 'secure' | 'insecure' | 'invalid';

export function judgeUrl(text: string): UrlVerdict {
	const url = parseUrl(text);
	if (url === undefined || url.username !== '' || url.password !== '' || text.includes('#')) return 'invalid';
	if (url.protocol === 'https:') return 'secure';
	if (url.protocol !== 'http:') return 'invalid';
	return LOOPBACK_HOSTS.has(url.hostname) ? 'secure' : 'insecure';
}

/** 127.0.0.0/8, also in IPv6 notation as the URL parser writes it, and what connects to it. */
const THIS_MACHINE =
	/^(?:127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1?\]|\[::ffff:(?:7f[\da-f]{2}|0):[\da-f]+\]|(?:.+\.)?localhost)\.?$/;

/** Whether the address leads to the machine that asks, over whatever scheme. Nobody elsewhere may send a credential there. */
export function isOnThisMachine(text: string): boolean {
	const url = parseUrl(text);
	return url !== undefined && THIS_MACHINE.test(url.hostname);
}

/** `URL.parse` is newer than the oldest host that is supported. */
export function parseUrl(text: string, base?: string): URL | undefined {
	return URL.canParse(text, base) ? new URL(text, base) : undefined;
}
