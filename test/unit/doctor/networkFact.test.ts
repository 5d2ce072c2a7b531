/** Why a service could not be reached, from errors as Node, undici in VS Code's extension host, and Chromium make them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { networkFact } from '../../../src/auth/doctor/networkFact.ts';
import { failedElsewhere } from '../../../src/auth/doctor/proxyFailure.ts';

const failed = (cause: Error): Error => Object.assign(new TypeError('fetch failed'), { cause });
const system = (fields: object): Error => Object.assign(new Error('x'), fields);
/** What VS Code's `fetch` makes of a proxy that answers CONNECT with anything but 200. */
const tunnelRefused = (status: number): Error => {
	const cause = Object.assign(new Error(`Proxy response (${status}) !== 200 when HTTP Tunneling`), {
		name: 'AbortError',
		code: 'UND_ERR_ABORTED',
	});
	return failed(Object.assign(new DOMException('Request was cancelled.'), { cause }));
};

const SERVICE = 'https://auth.acme.test/token';

describe('the reason why a service could not be reached', () => {
	const table: readonly [what: string, error: Error, expected: string][] = [
		['a proxy that wants a password', tunnelRefused(407), 'proxy'],
		['a proxy that refuses', tunnelRefused(403), 'proxy'],
		['the same out of Chromium', new Error('net::ERR_TUNNEL_CONNECTION_FAILED'), 'proxy'],
		['a proxy that is down, out of Chromium', new Error('net::ERR_PROXY_CONNECTION_FAILED'), 'proxyGone'],
		['an authority that nobody knows', failed(system({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })), 'certificate'],
		['a name that nobody knows', failed(system({ code: 'ENOTFOUND', hostname: 'auth.acme.test' })), 'noName'],
		['nobody at the address', failed(system({ code: 'ECONNREFUSED', syscall: 'connect', port: 443 })), 'noConnection'],
	];
	for (const [what, error, expected] of table)
		it(`is ${expected} for ${what}`, () => assert.equal(networkFact(error, false), expected));

	const elsewhere: readonly [what: string, error: Error, expected: boolean][] = [
		['another port refused', failed(system({ code: 'ECONNREFUSED', syscall: 'connect', port: 3128 })), true],
		['the service refused', failed(system({ code: 'ECONNREFUSED', syscall: 'connect', port: 443 })), false],
		['another port was silent', failed(system({ code: 'ETIMEDOUT', syscall: 'connect', port: 8080 })), true],
		[
			'another name is unknown',
			failed(system({ code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: 'proxy.acme.test' })),
			true,
		],
		[
			'the name of the service is unknown',
			failed(system({ code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: 'AUTH.acme.test' })),
			false,
		],
		[
			'all addresses of another place refused',
			failed(
				new AggregateError(
					[1, 2].map(() => system({ code: 'ECONNREFUSED', syscall: 'connect', port: 3128 })),
					'',
				),
			),
			true,
		],
		['a connection broke later', failed(system({ code: 'ECONNRESET', syscall: 'read', port: 3128 })), false],
		['the proxy refused', tunnelRefused(407), false],
	];
	for (const [what, error, expected] of elsewhere)
		it(`${expected ? 'is' : 'is not'} the way there when ${what}`, () =>
			assert.equal(failedElsewhere(error, SERVICE), expected));
});
