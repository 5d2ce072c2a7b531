/**
 * Mix-up (RFC 9700 section 4.4, RFC 9207): a person signs in to a service of an attacker, which sends the browser to an
 * honest one, so that the honest code ends at the attacker's token endpoint.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isAuthError } from '../../../src/auth/errors.ts';
import { runSignIn } from '../../../src/auth/signIn/signIn.ts';
import { CLIENT_ID } from '../../server/client.ts';
import type { Server } from '../../server/server.ts';
import { startServer } from '../../server/server.ts';
import { DISCOVERY_PATH, hostileProvider, metadataOf, startHostileServer } from '../../support/hostileServer.ts';
import { oidcProvider, testDeps } from '../../support/oauthFixtures.ts';
import { scriptedUi } from '../../support/serviceWindow.ts';
import { signInByHttp } from '../../support/signInByHttp.ts';

const DEADLINE_MS = 60_000;

describe('a mix-up of two services', () => {
	let honest: Server;
	before(async () => {
		honest = await startServer();
	});
	after(() => honest.close());

	/** Where the honest service has its authorization endpoint. */
	async function honestAddress(query: URLSearchParams, service = honest): Promise<string> {
		const response = await fetch(`${service.issuer}/.well-known/openid-configuration`);
		const metadata: { authorization_endpoint: string } = JSON.parse(await response.text());
		const address = new URL(metadata.authorization_endpoint);
		address.search = query.toString();
		address.searchParams.set('client_id', CLIENT_ID);
		address.searchParams.set('scope', 'openid email');
		return address.href;
	}

	for (const promised of [true, false]) {
		it(`the attacker ${promised ? 'promises' : 'does not promise'} iss: the honest code does not reach it`, async () => {
			await using attacker = await startHostileServer();
			attacker.on(DISCOVERY_PATH, {
				...metadataOf(attacker.origin),
				authorization_response_iss_parameter_supported: promised,
			});
			let page = '';
			const ui = scriptedUi({
				person: 'ada',
				async visit(url) {
					const address = await honestAddress(new URL(url).searchParams);
					page = (await signInByHttp(address, 'ada')).body ?? '';
				},
			});
			const outcome = ui.run(hostileProvider(attacker.origin), (session) =>
				runSignIn({
					provider: hostileProvider(attacker.origin),
					scopes: [],
					flow: 'loopback',
					browserOnThisMachine: true,
					session,
					deps: testDeps(),
					deadlineMs: DEADLINE_MS,
				}),
			);
			await assert.rejects(outcome, (error) => isAuthError(error, 'protocol'));
			await Promise.all(ui.visits);
			assert.match(page, /Could not sign in to Evil/);
			assert.equal(attacker.count('/token'), 0);
			assert.ok(attacker.received.every(({ path, body }) => !path.includes('code=') && !body.includes('code=')));
		});
	}

	it('without iss: an honest service with a redirect path of its own gives no code, or one that nobody takes', async (t) => {
		const quiet = await startServer({ redirectPath: '/callback/quiet' });
		t.after(() => quiet.close());
		quiet.fault({ redirect: { iss: null } });
		await using attacker = await startHostileServer();
		const gone = new AbortController();
		const pages: string[] = [];
		const ui = scriptedUi({
			person: 'ada',
			signal: gone.signal,
			async visit(url) {
				const asked = new URL(url).searchParams;
				const own = asked.get('redirect_uri') ?? '';
				for (const redirect of [own, own.replace('/callback', '/callback/quiet')]) {
					asked.set('redirect_uri', redirect);
					const visit = signInByHttp(await honestAddress(asked, quiet), 'ada');
					pages.push(await visit.then(({ status, body }) => `${status} ${body}`, String));
				}
				gone.abort();
			},
		});
		const provider = hostileProvider(attacker.origin);
		const outcome = ui.run(provider, (session) =>
			runSignIn({
				...{ provider, scopes: [], flow: 'loopback', browserOnThisMachine: true, session },
				...{ deps: testDeps(), deadlineMs: DEADLINE_MS },
			}),
		);
		await assert.rejects(outcome, (error) => isAuthError(error, 'cancelled'));
		await Promise.all(ui.visits);
		assert.match(pages[0] ?? '', /That did not work/);
		assert.match(pages[1] ?? '', /^400 .*was not taken/s);
		assert.equal(quiet.count('code'), 0);
		assert.equal(attacker.count('/token'), 0);
	});

	it('an answer of the attacker does not end an attempt at the honest service', async () => {
		const deps = testDeps();
		const refused: number[] = [];
		const ui = scriptedUi({
			person: 'ada',
			async visit(url) {
				const redirect = new URL(url).searchParams.get('redirect_uri') ?? '';
				for (const query of ['code=evil&state=guess', 'code=evil', 'error=access_denied', 'state=&code=evil'])
					refused.push((await fetch(`${redirect}?${query}`)).status);
				await signInByHttp(url, 'ada');
			},
		});
		const credential = await ui.run(oidcProvider(honest.issuer), (session) =>
			runSignIn({
				provider: oidcProvider(honest.issuer),
				scopes: [],
				flow: 'loopback',
				browserOnThisMachine: true,
				session,
				deps,
				deadlineMs: DEADLINE_MS,
			}),
		);
		assert.equal(credential.identity.email, 'ada@example.test');
		assert.deepEqual(refused, [400, 400, 400, 400]);
	});

	it('two attempts at two services have addresses of their own', async () => {
		await using attacker = await startHostileServer();
		const addresses: string[] = [];
		const gone = new AbortController();
		const attempts = [oidcProvider(honest.issuer), hostileProvider(attacker.origin)].map((provider) => {
			const ui = scriptedUi({
				person: 'ada',
				signal: gone.signal,
				visit: async (url) => {
					addresses.push(new URL(url).searchParams.get('redirect_uri') ?? '');
					if (addresses.length === 2) gone.abort();
				},
			});
			return ui.run(provider, (session) =>
				runSignIn({
					provider,
					scopes: [],
					flow: 'loopback',
					browserOnThisMachine: true,
					session,
					deps: testDeps(),
					deadlineMs: DEADLINE_MS,
				}),
			);
		});
		await Promise.allSettled(attempts);
		assert.equal(new Set(addresses).size, 2);
	});
});
