import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createLifetimes } from '../../../src/auth/lifetimes.ts';
import { createOAuthDeps } from '../../../src/auth/oauth/deps.ts';
import { refresh as sendRefresh } from '../../../src/auth/oauth/refreshGrant.ts';
import type { Provider } from '../../../src/auth/provider.ts';
import { createJournal } from '../../../src/auth/refresh/journal.ts';
import { createRefresher } from '../../../src/auth/refresh/refresher.ts';
import { createRenewal } from '../../../src/auth/refresh/renewal.ts';
import { createTestVault } from '../../race/vaults.ts';
import { type StrictOptions, startStrictTokenServer } from '../../server/strictTokenServer.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';

const OUTAGE_MS = 10 * 60_000;
/** Somebody asks this often. */
const ASK_EVERY_MS = 5_000;
/** Longer than any test: real time decides at the server. */
const LONG_GRACE_MS = 3_600_000;

/** One window that asks the strict server over real connections; time passes for it when the test says so. */
async function world(context: TestContext, options: StrictOptions = {}) {
	const server = await startStrictTokenServer({ accessTokenLifeS: 86_400, ...options });
	context.after(() => server.close());
	const account = await createTestVault(context, server);
	const clock = createManualClock();
	const log = createRecordingLog();
	const provider: Provider = {
		id: account.ref.providerId,
		label: 'Demo',
		kind: 'oauth2',
		endpoints: { issuer: server.issuer, tokenEndpoint: server.tokenUrl },
		client: { clientId: server.clientId, scopes: ['api'] },
	};
	const deps = createOAuthDeps({ fetch, clock, log });
	const refresher = createRefresher({
		loadRenewal: async () => createRenewal,
		...account.shelf,
		clock,
		log,
		lifetimes: createLifetimes(clock),
		journal: createJournal(clock, log),
		ending: new AbortController().signal,
		send: (_ref, credential, signal, id) => sendRefresh(provider, credential, deps, signal, id),
		watch: () => ({ dispose() {} }),
	});

	/** A token, or the code of the failure. */
	async function ask(): Promise<string> {
		try {
			const { credential } = await refresher.refresh({ ref: account.ref, purpose: 'test', correlationId: 'c1' });
			return credential.accessToken;
		} catch (error) {
			assert.ok(error instanceof Error && 'code' in error && typeof error.code === 'string', String(error));
			return error.code;
		}
	}

	/** Asks all through the outage; every answer must be that of passing trouble. */
	async function liveThrough(ms: number): Promise<void> {
		for (let passedMs = 0; passedMs < ms; passedMs += ASK_EVERY_MS) {
			assert.equal(await ask(), 'transient');
			clock.advance(ASK_EVERY_MS);
		}
	}

	/** As long as any back-off. */
	const waitOut = (): void => clock.advance(60 * 60_000);

	const needsSignIn = async (): Promise<string | undefined> => (await account.bucket())?.needsSignIn?.reason;
	return { server, clock, ask, liveThrough, waitOut, needsSignIn };
}

describe('a gateway that answers for the server', () => {
	for (const status of [502, 504, 520, 524])
		it(`signs nobody out with ${status} in ten minutes of outage before the server is reached, nor is it asked more often than the back-off allows`, async (context) => {
			const { server, ask, liveThrough, waitOut, needsSignIn } = await world(context);
			const outage = server.fault({ on: 'refresh', respond: { status } });
			await liveThrough(OUTAGE_MS);
			const requests = server.refreshRequests();
			// After 1, 2, 4 ... 256 s.
			assert.ok(requests >= 5 && requests <= 11, `${requests}`);
			assert.equal(await needsSignIn(), undefined);
			outage.dispose();
			waitOut();
			const token = await ask();
			assert.ok(token.startsWith('at_'), token);
			assert.equal(await ask(), token);
			assert.deepEqual([server.refreshRequests(), server.refreshes(), server.reuses()], [requests + 1, 1, 0]);
		});

	it('signs nobody out while the server acts and its answers are lost, if the grace period lasts until one arrives', async (context) => {
		const { server, ask, liveThrough, waitOut, needsSignIn } = await world(context, { gracePeriodMs: LONG_GRACE_MS });
		const outage = server.fault({ on: 'refresh', respond: { status: 502, when: 'after' } });
		await liveThrough(OUTAGE_MS);
		assert.equal(await needsSignIn(), undefined);
		outage.dispose();
		waitOut();
		const token = await ask();
		assert.ok(token.startsWith('at_'), token);
		assert.equal(await ask(), token);
		assert.equal(server.reuses(), 0);
	});

	it('asks for a sign-in only when the server itself says that the session was lost with its answer', async (context) => {
		const { server, ask, liveThrough, waitOut, needsSignIn } = await world(context);
		const outage = server.fault({ on: 'refresh', respond: { status: 502, when: 'after' } });
		await liveThrough(OUTAGE_MS);
		assert.equal(await needsSignIn(), undefined);
		outage.dispose();
		waitOut();
		assert.equal(await ask(), 'invalid_grant');
		assert.equal(await needsSignIn(), 'invalid_grant');
		const requests = server.refreshRequests();
		assert.equal(await ask(), 'invalid_grant');
		assert.equal(server.refreshRequests(), requests);
	});

	it('is obeyed when it says how long to wait', async (context) => {
		const { server, clock, ask } = await world(context);
		server.fault({ on: 'refresh', times: 1, respond: { status: 502, retryAfter: '120' } });
		assert.equal(await ask(), 'transient');
		clock.advance(110_000);
		assert.equal(await ask(), 'transient');
		assert.equal(server.refreshRequests(), 1);
		clock.advance(15_000);
		assert.ok((await ask()).startsWith('at_'));
	});

	it('leaves a connection that is lost afterwards its one declared resend, and then all wait', async (context) => {
		const { server, clock, ask, waitOut, needsSignIn } = await world(context, { gracePeriodMs: LONG_GRACE_MS });
		server.fault({ on: 'refresh', times: 3, respond: { status: 504, when: 'after' } });
		for (let count = 0; count < 3; count++) {
			assert.equal(await ask(), 'transient');
			clock.advance(60_000);
		}
		const broken = server.fault({ on: 'refresh', drop: 'after' });
		assert.equal(await ask(), 'transient');
		assert.equal(server.refreshRequests(), 5);
		broken.dispose();
		assert.equal(await ask(), 'transient');
		assert.equal(server.refreshRequests(), 5);
		assert.equal(await needsSignIn(), undefined);
		waitOut();
		assert.ok((await ask()).startsWith('at_'));
		assert.equal(server.reuses(), 0);
	});

	it('and a connection that is lost once as the proxy comes back sign nobody out', async (context) => {
		const { server, waitOut, ask } = await world(context);
		server.fault({ on: 'refresh', times: 1, respond: { status: 502 } });
		assert.equal(await ask(), 'transient');
		waitOut();
		server.fault({ on: 'refresh', times: 1, drop: 'before' });
		assert.ok((await ask()).startsWith('at_'));
		assert.deepEqual([server.refreshRequests(), server.refreshes(), server.reuses()], [3, 1, 0]);
	});

	it('that comes after a lost connection ends in a back-off as well, not in a sign-out', async (context) => {
		const { server, waitOut, ask } = await world(context, { gracePeriodMs: LONG_GRACE_MS });
		const outage = server.fault({ on: 'refresh', respond: { status: 502 } });
		const broken = server.fault({ on: 'refresh', times: 1, drop: 'before' });
		assert.equal(await ask(), 'transient');
		assert.equal(server.refreshRequests(), 2);
		broken.dispose();
		outage.dispose();
		waitOut();
		assert.ok((await ask()).startsWith('at_'));
		assert.equal(server.reuses(), 0);
	});
});
