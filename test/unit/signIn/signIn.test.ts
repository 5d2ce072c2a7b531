import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import type { OAuthCredential } from '../../../src/auth/credential.ts';
import type { AuthErrorCode } from '../../../src/auth/errors.ts';
import { AuthError, isAuthError } from '../../../src/auth/errors.ts';
import type { OAuthProvider } from '../../../src/auth/provider.ts';
import type { SignInOptions } from '../../../src/auth/signIn/signIn.ts';
import { runSignIn } from '../../../src/auth/signIn/signIn.ts';
import type { Fault } from '../../server/faults.ts';
import type { Server } from '../../server/server.ts';
import { startServer } from '../../server/server.ts';
import { createDeferred } from '../../support/deferred.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { oauth2Provider, oidcProvider, testDeps } from '../../support/oauthFixtures.ts';
import type { Script, ScriptedPerson } from '../../support/scriptedPerson.ts';
import { createScriptedPerson } from '../../support/scriptedPerson.ts';
import type { SignInResult } from '../../support/signInByHttp.ts';
import { approveDeviceByHttp, signInByHttp } from '../../support/signInByHttp.ts';

/** More than any of these takes. */
const DEADLINE_MS = 60_000;

let server: Server;
before(async () => {
	server = await startServer({ deviceIntervalS: 1 });
});
after(() => server.close());

type Run = {
	readonly person: ScriptedPerson;
	readonly outcome: Promise<OAuthCredential>;
	readonly log: string[];
};

function signIn(person: ScriptedPerson, changes: Partial<SignInOptions> = {}): Run {
	const deps = testDeps();
	const outcome = runSignIn({
		provider: oidcProvider(server.issuer),
		scopes: [],
		flow: 'auto',
		browserOnThisMachine: true,
		session: person.session,
		deps,
		deadlineMs: DEADLINE_MS,
		...changes,
	});
	// Looked at by each test; a rejection before that is no crash.
	outcome.catch(() => undefined);
	return { person, outcome, log: deps.log.lines };
}

/** A person whose browser signs in as soon as it is opened. */
function withBrowser(
	script: Script = {},
	options: Parameters<typeof signInByHttp>[2] = {},
	who: 'ada' | 'grace' = 'ada',
) {
	const pages: Promise<SignInResult>[] = [];
	const person = createScriptedPerson({
		...script,
		onOpen(url) {
			const page = signInByHttp(url, who, options);
			page.catch(() => undefined);
			pages.push(page);
		},
	});
	const page = async (): Promise<string> => {
		await person.step('browser');
		return (await pages[0])?.body ?? assert.fail('no page');
	};
	return { person, page };
}

async function rejectsWith(outcome: Promise<unknown>, code: AuthErrorCode): Promise<AuthError> {
	try {
		await outcome;
	} catch (error) {
		assert.ok(isAuthError(error, code), `${String(error)} instead of ${code}`);
		return error;
	}
	assert.fail(`fulfilled instead of ${code}`);
}

describe('sign-in over the loopback', () => {
	it('opens the browser once, and page and credential say who signed in', async () => {
		const { person, page } = withBrowser();
		const { outcome } = signIn(person);
		const credential = await outcome;
		assert.equal(credential.identity.email, 'ada@example.test');
		assert.ok(credential.refreshToken);
		assert.ok(credential.scopes.includes('offline_access'));
		assert.match(await page(), /Signed in to Demo as ada@example\.test/);
		assert.equal(person.opened.length, 1);
		assert.deepEqual(
			person.steps.map(({ kind }) => kind),
			['discovering', 'browser', 'exchanging'],
		);
		assert.equal(person.handlers(), 0);
	});

	it('says what came back in vain, and takes the answer that comes after it', async () => {
		const left = createDeferred<string>();
		const person = createScriptedPerson({
			onOpen: (url) =>
				signInByHttp(url, 'ada', { deliver: false }).then(({ redirectUrl }) => left.resolve(redirectUrl), assert.fail),
		});
		const { outcome } = signIn(person);
		const good = new URL(await left.promise);
		const bad = new URL(good);
		bad.pathname += '/';
		assert.match(await (await fetch(bad)).text(), /The sign-in still waits/);
		const { reason, redirectUri } = await person.step('browserRefused');
		assert.equal(reason, 'otherPath');
		assert.equal(redirectUri, `${good.origin}${good.pathname}`);
		await fetch(good);
		await outcome;
	});

	it('asks for the scopes of the caller', async () => {
		const { person } = withBrowser();
		await signIn(person, { scopes: ['api'] }).outcome;
		const scope = new URL(person.opened[0] ?? '').searchParams.get('scope');
		assert.deepEqual(scope?.split(' ').sort(), ['api', 'offline_access', 'openid']);
	});

	it('the page tells of success only after the credential was stored', async () => {
		const { person, page } = withBrowser();
		const order: string[] = [];
		const { outcome } = signIn(person, {
			store: async () => {
				order.push('stored');
			},
		});
		await Promise.all([outcome, page().then(() => order.push('page'))]);
		assert.deepEqual(order, ['stored', 'page']);
	});

	it('a store that fails is what the page and the caller are told', async () => {
		const { person, page } = withBrowser();
		const { outcome } = signIn(person, { store: () => Promise.reject(new AuthError('storage', 'disk full')) });
		await rejectsWith(outcome, 'storage');
		assert.match(await page(), /Could not sign in/);
	});

	it('a store that breaks in a way nobody foresaw is told to the page without a word of it', async () => {
		const { person, page } = withBrowser();
		const { outcome } = signIn(person, { store: () => Promise.reject(new TypeError('canary')) });
		await assert.rejects(outcome, TypeError);
		const body = await page();
		assert.match(body, /Could not sign in/);
		assert.ok(!body.includes('canary'));
	});

	it('a person who presses Cancel at the service is told so', async () => {
		const { person, page } = withBrowser({}, { deny: true });
		const error = await rejectsWith(signIn(person).outcome, 'denied');
		assert.equal(error.detail.serverError, 'access_denied');
		assert.match(await page(), /did not allow the sign-in/);
	});

	it('a browser that cannot be opened leaves the link', async () => {
		const person = createScriptedPerson({ opens: false });
		const { outcome } = signIn(person);
		await person.step('browser');
		const last = async (): Promise<boolean> => person.steps.some((step) => step.kind === 'browser' && !step.opened);
		while (!(await last())) await new Promise((resolve) => setImmediate(resolve));
		await signInByHttp(person.opened[0] ?? '', 'ada');
		assert.ok((await outcome).accessToken);
	});

	it('"open again" opens the same address once more', async () => {
		const person = createScriptedPerson();
		const { outcome } = signIn(person);
		await person.step('browser');
		person.choose('openAgain');
		assert.equal(person.opened.length, 2);
		assert.equal(person.opened[0], person.opened[1]);
		await signInByHttp(person.opened[1] ?? '', 'ada');
		await outcome;
	});

	for (const [name, cancel] of [
		['the choice', (person: ScriptedPerson) => person.choose('cancel')],
		['the signal', (person: ScriptedPerson) => person.cancel()],
	] as const) {
		it(`cancelled by ${name}: nothing is stored, and the port is closed`, async () => {
			const person = createScriptedPerson();
			let stored = 0;
			const { outcome } = signIn(person, {
				store: async () => {
					stored += 1;
				},
			});
			await person.step('browser');
			cancel(person);
			await rejectsWith(outcome, 'cancelled');
			assert.equal(stored, 0);
			await assert.rejects(signInByHttp(person.opened[0] ?? '', 'ada'));
		});
	}

	it('cancelled during the exchange: nothing is stored, and the browser is told', async () => {
		const fault = server.fault({ on: 'code', hold: 'after' });
		try {
			const { person, page } = withBrowser();
			let stored = 0;
			const { outcome } = signIn(person, {
				store: async () => {
					stored += 1;
				},
			});
			await person.step('exchanging');
			person.choose('cancel');
			await rejectsWith(outcome, 'cancelled');
			assert.equal(stored, 0);
			assert.match(await page(), /Sign-in cancelled/);
		} finally {
			fault.dispose();
		}
	});

	it('a browser that never comes back ends at the deadline', async () => {
		const clock = createManualClock();
		const person = createScriptedPerson();
		const { outcome } = signIn(person, { deps: testDeps({ clock }) });
		await person.step('browser');
		clock.advance(DEADLINE_MS);
		await rejectsWith(outcome, 'timeout');
	});

	const faults: readonly [name: string, fault: Fault, code: AuthErrorCode][] = [
		['a wrong iss', { redirect: { iss: 'https://evil.example' } }, 'protocol'],
		['a missing iss', { redirect: { iss: null } }, 'protocol'],
		['a wrong code', { redirect: { code: 'x' } }, 'protocol'],
		['a busy token endpoint', { on: 'code', respond: { status: 503 } }, 'transient'],
		['a lost answer', { on: 'code', drop: 'after' }, 'transient'],
		['an unreadable answer', { on: 'code', invalidJson: true }, 'protocol'],
	];
	for (const [name, fault, code] of faults) {
		it(`${name}: ${code}, the page says it failed, and the next try works`, async () => {
			const undo = server.fault(fault);
			const { person, page } = withBrowser();
			try {
				await rejectsWith(signIn(person).outcome, code);
				assert.match(await page(), /Could not sign in to Demo/);
			} finally {
				undo.dispose();
			}
			await signIn(withBrowser().person).outcome;
		});
	}

	it('a wrong state does not end the attempt', async () => {
		const undo = server.fault({ redirect: { state: 'forged' } });
		const { person, page } = withBrowser();
		const { outcome } = signIn(person);
		assert.match(await page(), /was not taken/);
		assert.equal((await person.step('browserRefused')).reason, 'otherAttempt');
		undo.dispose();
		await signInByHttp(person.opened[0] ?? '', 'ada');
		assert.ok((await outcome).accessToken);
	});

	it('a server that is down is `transient`, before a browser opens', async () => {
		await server.down();
		const person = createScriptedPerson();
		await rejectsWith(signIn(person).outcome, 'transient');
		await server.up();
		assert.deepEqual(person.opened, []);
		await signIn(withBrowser().person).outcome;
	});

	it('a service without any way is `configuration`', async () => {
		await rejectsWith(
			signIn(createScriptedPerson(), { provider: oauth2Provider(server.issuer) }).outcome,
			'configuration',
		);
	});

	it('logs nothing that is secret', async () => {
		const { person } = withBrowser();
		const { outcome, log } = signIn(person);
		const credential = await outcome;
		const text = log.join('\n');
		for (const secret of [...server.secrets(), credential.accessToken, new URL(person.opened[0] ?? '').search]) {
			assert.ok(!text.includes(secret));
		}
		assert.ok(!text.includes('ada@example.test'));
	});
});

describe('the account that comes back', () => {
	const ada = { issuer: '', subject: 'person-0001' };
	const expected = () => ({ label: 'ada@example.test', identity: { ...ada, issuer: server.issuer } });

	it('as expected: nobody is asked', async () => {
		const { person } = withBrowser();
		await signIn(person, { expected: expected() }).outcome;
		assert.deepEqual(person.asked, []);
	});

	it('another, and the person uses it: the page says to look at VS Code', async () => {
		const { person, page } = withBrowser({ confirm: async () => true }, {}, 'grace');
		const credential = await signIn(person, { expected: expected() }).outcome;
		assert.equal(credential.identity.subject, 'person-0002');
		assert.equal(person.asked[0]?.expectedLabel, 'ada@example.test');
		assert.equal(person.asked[0]?.actual.email, 'grace@example.test');
		assert.match(await page(), /Another account was expected/);
	});

	it('another, and the person does not want it: `identity`, nothing stored, nothing revoked', async () => {
		const revocations = server.revocations().length;
		const { person } = withBrowser({ confirm: async () => false }, {}, 'grace');
		let stored = 0;
		const { outcome } = signIn(person, {
			expected: expected(),
			store: async () => {
				stored += 1;
			},
		});
		await rejectsWith(outcome, 'identity');
		assert.equal(stored, 0);
		assert.equal(server.revocations().length, revocations);
	});

	it('a question that nobody answers ends at the deadline', async () => {
		const clock = createManualClock();
		const events = new EventEmitter();
		const asked = once(events, 'asked');
		const { person } = withBrowser(
			{
				confirm: () => {
					events.emit('asked');
					return new Promise(() => undefined);
				},
			},
			{},
			'grace',
		);
		const { outcome } = signIn(person, { expected: expected(), deps: testDeps({ clock }) });
		await asked;
		clock.advance(DEADLINE_MS);
		await rejectsWith(outcome, 'timeout');
	});
});

describe('sign-in by device code', () => {
	it('shows the code, opens the page once, and waits for the approval', async () => {
		const person = createScriptedPerson();
		const { outcome } = signIn(person, { browserOnThisMachine: false });
		const step = await person.step('deviceCode');
		assert.ok(step.userCode && step.verificationUri.startsWith(server.issuer));
		await approveDeviceByHttp(step, 'grace');
		assert.equal((await outcome).identity.email, 'grace@example.test');
		assert.deepEqual(person.opened, [step.url]);
	});

	it('refused: `denied`', async () => {
		const person = createScriptedPerson();
		const { outcome } = signIn(person, { flow: 'device' });
		await approveDeviceByHttp(await person.step('deviceCode'), 'ada', { deny: true });
		await rejectsWith(outcome, 'denied');
	});
});

describe('sign-in by pasting the address', () => {
	it('takes the address the browser could not open', async () => {
		const person = createScriptedPerson({
			paste: async (url) => (await signInByHttp(url, 'ada', { deliver: false })).redirectUrl,
		});
		const credential = await signIn(person, { flow: 'paste' }).outcome;
		assert.equal(credential.identity.email, 'ada@example.test');
		assert.equal(person.opened.length, 1);
		const redirect = new URL(person.opened[0] ?? '').searchParams.get('redirect_uri');
		assert.match(redirect ?? '', /^http:\/\/127\.0\.0\.1:\d+\/callback$/);
	});

	it('asks for the path that is registered at the service', async () => {
		const person = createScriptedPerson();
		const provider = oidcProvider(server.issuer);
		const client = { ...provider.client, redirectPath: '/oauth2/acme' };
		const { outcome } = signIn(person, { flow: 'paste', provider: { ...provider, client } });
		await rejectsWith(outcome, 'cancelled');
		const redirect = new URL(person.opened[0] ?? '').searchParams.get('redirect_uri');
		assert.match(redirect ?? '', /^http:\/\/127\.0\.0\.1:\d+\/oauth2\/acme$/);
	});

	it('asks again, naming the problem, until it can be used', async () => {
		const answers = ['nonsense', 'http://127.0.0.1:1/callback?code=c&state=old'];
		const person = createScriptedPerson({
			paste: async (url) => answers.shift() ?? (await signInByHttp(url, 'ada', { deliver: false })).redirectUrl,
		});
		await signIn(person, { flow: 'paste' }).outcome;
		assert.deepEqual(person.problems, [undefined, 'notAnAddress', 'otherAttempt']);
	});

	it('a closed dialog is `cancelled`', async () => {
		await rejectsWith(signIn(createScriptedPerson(), { flow: 'paste' }).outcome, 'cancelled');
	});

	it('a wrong iss in it is `protocol`', async () => {
		const person = createScriptedPerson({
			async paste(url) {
				const { redirectUrl } = await signInByHttp(url, 'ada', { deliver: false });
				const changed = new URL(redirectUrl);
				changed.searchParams.set('iss', 'https://evil.example');
				return changed.href;
			},
		});
		await rejectsWith(signIn(person, { flow: 'paste' }).outcome, 'protocol');
	});
});

describe('another way', () => {
	it('ends the first attempt and begins with fresh values', async () => {
		const person = createScriptedPerson({
			pick: async () => 'paste',
			paste: async (url) => (await signInByHttp(url, 'ada', { deliver: false })).redirectUrl,
		});
		const { outcome } = signIn(person);
		await person.step('browser');
		person.choose('anotherWay');
		assert.ok((await outcome).accessToken);
		assert.deepEqual(person.offered, [['device', 'paste']]);
		const [first, second] = person.opened.map((url) => new URL(url).searchParams);
		assert.equal(person.opened.length, 2);
		for (const name of ['state', 'code_challenge', 'nonce']) assert.notEqual(first?.get(name), second?.get(name));
		await assert.rejects(signInByHttp(person.opened[0] ?? '', 'ada'), 'the first listener is closed');
	});

	it('not chosen after all: the attempt goes on', async () => {
		const person = createScriptedPerson({ pick: async () => undefined });
		const { outcome } = signIn(person);
		await person.step('browser');
		person.choose('anotherWay');
		await signInByHttp(person.opened[0] ?? '', 'ada');
		assert.ok((await outcome).accessToken);
		assert.equal(person.opened.length, 1);
	});

	it('the list of ways may close the paste dialog without ending the sign-in', async () => {
		const person: ScriptedPerson = createScriptedPerson({
			pick: async () => 'loopback',
			paste: async () => {
				person.choose('anotherWay');
				return undefined;
			},
		});
		const { outcome } = signIn(person, { flow: 'paste' });
		await person.step('browser');
		await signInByHttp(person.opened[1] ?? '', 'ada');
		assert.ok((await outcome).accessToken);
	});

	it('not chosen after the paste dialog was closed for the list: the dialog comes back', async () => {
		const list = createDeferred<undefined>();
		const person: ScriptedPerson = createScriptedPerson({
			pick: () => list.promise,
			async paste(url) {
				if (person.problems.length > 1) return (await signInByHttp(url, 'ada', { deliver: false })).redirectUrl;
				person.choose('anotherWay');
				// The list is open for as long as the sign-in looks at it.
				setImmediate(() => list.resolve(undefined));
				return undefined;
			},
		});
		assert.ok((await signIn(person, { flow: 'paste' }).outcome).accessToken);
		assert.equal(person.problems.length, 2);
		assert.equal(person.opened.length, 1);
	});

	it('is not offered where there is only one', async () => {
		const base = oauth2Provider(server.issuer);
		assert.ok(base.kind === 'oauth2');
		const endpoints = { ...base.endpoints, deviceAuthorizationEndpoint: `${server.issuer}/device/auth` };
		const provider: OAuthProvider = { ...base, endpoints, client: { clientId: server.clientId, scopes: ['openid'] } };
		const person = createScriptedPerson();
		const { outcome } = signIn(person, { provider });
		await person.step('deviceCode');
		person.choose('anotherWay');
		assert.deepEqual(person.offered, []);
		person.cancel();
		await rejectsWith(outcome, 'cancelled');
	});
});
