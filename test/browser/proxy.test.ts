/**
 * A service of an organisation, in a real VS Code: only its proxy leads there, and only its own authority knows the
 * certificate. VS Code's settings for both decide, and what is wrong on the way is named and signs nobody out.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { VSIX_PATH } from '../../scripts/package.ts';
import { type Server, startServer } from '../server/server.ts';
import { launchBrowser, newProfile, openWindow, windowReady } from '../support/browser.ts';
import {
	accountRow,
	clearNotifications,
	finishInBrowser,
	messageText,
	openedBy,
	showAccounts,
} from '../support/demoWindow.ts';
import { type ForwardProxy, startForwardProxy } from '../support/forwardProxy.ts';
import { createPrivateAuthority, type KeyPair, startTlsFront, type TlsFront } from '../support/privateAuthority.ts';
import { until } from '../support/until.ts';
import { vaultOf } from '../support/vaultFolder.ts';
import { type RunningVscodeServer, startVscodeServer, writeSettings } from '../support/vscodeServer.ts';
import { quickInput, quickInputRows, runCommand } from '../support/workbench.ts';

/** RFC 6761 section 6.2: no resolver knows it. */
const HOST = 'auth.acme.test';

/** As long as a doctor takes that meets a silent proxy, and a little. */
const DOCTOR_MS = 30_000;

const DOCTOR_TITLE = /problems? (was|were) found|All is well|No problem was found/;

describe('a service behind a proxy, with a certificate of an authority of its own', () => {
	let folder: string;
	let service: Server;
	let front: TlsFront;
	let proxy: ForwardProxy;
	let known: KeyPair;
	let unknown: KeyPair;
	let host: RunningVscodeServer;
	let browser: Browser;
	let page: Page;

	before(async () => {
		folder = await mkdtemp(path.join(tmpdir(), 'agent-auth-proxy-'));
		service = await startServer({ accessTokenLifeS: 3600 });
		const authority = await createPrivateAuthority(folder, 'known');
		known = await authority.issue(HOST);
		unknown = await (await createPrivateAuthority(folder, 'unknown')).issue(HOST);
		front = await startTlsFront(known, service.port);
		proxy = await startForwardProxy({ [`${HOST}:443`]: front.port });
		host = await startVscodeServer({
			vsixPaths: [VSIX_PATH],
			settings: settingsWith({}),
			// Where OpenSSL looks for the certificates of the system, and so where VS Code gets them from.
			extraEnv: { SSL_CERT_FILE: authority.file },
		});
		browser = await launchBrowser();
		page = await openWindow(await newProfile(browser), host);
		await showAccounts(page);
	});

	after(async () => {
		await browser?.close();
		await host?.stop();
		await proxy?.close();
		await front?.close();
		await service?.close();
		if (folder !== undefined) await rm(folder, { recursive: true, force: true });
	});

	function settingsWith(network: Readonly<Record<string, unknown>>): Record<string, unknown> {
		const acme = {
			type: 'oauth2',
			label: 'Acme',
			// The browser goes its own way.
			authorizationEndpoint: `${service.issuer}/auth`,
			tokenEndpoint: `https://${HOST}/token`,
			clientId: service.clientId,
			scopes: ['openid', 'email', 'profile', 'offline_access', 'api'],
		};
		return { 'agentAuth.providers': { acme }, 'http.proxy': proxy.url, ...network };
	}

	/** In a window that begins with these settings. */
	async function use(network: Readonly<Record<string, unknown>>): Promise<void> {
		await writeSettings(host.settingsPath, settingsWith(network));
		await page.reload();
		await windowReady(page);
		await showAccounts(page);
		await accountRow(page, /Acme/).first().waitFor();
	}

	/** Runs the doctor until it says so. */
	async function doctorSays(text: RegExp): Promise<void> {
		let last: string[] = [];
		await until(
			`the doctor says ${text}`,
			async () => {
				await runCommand(page, 'Agent Auth: Doctor');
				await quickInput(page).getByText(DOCTOR_TITLE).first().waitFor({ timeout: DOCTOR_MS });
				last = (await quickInputRows(page).allInnerTexts()).map((row) => row.replace(/\s+/g, ' '));
				await page.keyboard.press('Escape');
				return last.some((row) => text.test(row));
			},
			2 * DOCTOR_MS,
		).catch((error: unknown) => assert.fail(`${String(error)}; it said ${JSON.stringify(last)}`));
	}

	/** Asks for a new token; what is wrong is said, and nothing is lost by it. */
	async function failsToRenew(): Promise<void> {
		const sent = service.refreshRequests();
		await clearNotifications(page);
		await runCommand(page, 'Agent Auth: Renew Token');
		await messageText(page, /Acme cannot be reached right now\. (Nothing was changed|It is tried again)/);
		assert.equal(service.refreshRequests(), sent);
		await accountRow(page, /Acme/).first().waitFor();
		assert.equal(service.grantsAlive().length, 1);
	}

	/** Of the only credential; 0 before there is one. */
	async function generation(): Promise<number> {
		const names = (await vaultOf(host).records()).map((record) => path.basename(record));
		return Math.max(0, ...names.map((name) => Number(name.split('.')[1])));
	}

	/** Until the answer is stored: whoever ends the window before that loses it, as this service answers once only. */
	async function renews(): Promise<void> {
		const [before, stored] = [service.refreshes(), await generation()];
		await clearNotifications(page);
		await runCommand(page, 'Agent Auth: Renew Token');
		await until('the token is renewed and stored', async () => (await generation()) > stored);
		assert.equal(service.refreshes(), before + 1);
	}

	it('signs in and renews through the proxy that the settings name, trusting what the system trusts', async () => {
		const login = await openedBy(page, () => runCommand(page, 'Agent Auth: Sign In'));
		await finishInBrowser(login, 'Ada Lovelace', /^Signed in to Acme/);
		await accountRow(page, /Acme/).first().waitFor();
		await until('the sign-in is stored', async () => (await generation()) > 0);
		await renews();
		assert.ok(proxy.asked.length >= 2);
		assert.deepEqual([...new Set(proxy.asked)], [`${HOST}:443`]);
		assert.equal(service.reuses(), 0);
		await doctorSays(/Acme answers/);
	});

	const troubles: Readonly<
		Record<string, { begin: () => Promise<void> | void; end: () => Promise<void> | void; doctor: RegExp }>
	> = {
		'the proxy wants a password': {
			begin: () => proxy.set('askPassword'),
			end: () => proxy.set('open'),
			doctor: /The proxy does not let requests through to Acme/,
		},
		'the proxy refuses': {
			begin: () => proxy.set('refuse'),
			end: () => proxy.set('open'),
			doctor: /The proxy does not let requests through to Acme/,
		},
		'the proxy is down': {
			begin: () => proxy.down(),
			end: () => proxy.up(),
			doctor: /The proxy on the way to Acme cannot be reached/,
		},
		'the proxy has no such name': {
			begin: () => use({ 'http.proxy': 'http://proxy.acme.test:3128' }),
			end: () => use({}),
			doctor: /The proxy on the way to Acme cannot be reached/,
		},
		'the certificate is of an authority that the system does not know': {
			begin: () => front.use(unknown),
			end: () => front.use(known),
			doctor: /The certificate of Acme is not trusted here/,
		},
		'VS Code is told not to ask the system for certificates': {
			begin: () => use({ 'http.systemCertificates': false, 'http.fetchAdditionalSupport': true }),
			end: () => use({}),
			doctor: /The certificate of Acme is not trusted here/,
		},
		'the host is in http.noProxy': {
			begin: () => use({ 'http.noProxy': ['acme.test'] }),
			end: () => use({}),
			doctor: /The host of Acme cannot be found/,
		},
		'http.proxySupport is off': {
			begin: () => use({ 'http.proxySupport': 'off' }),
			end: () => use({}),
			doctor: /The host of Acme cannot be found/,
		},
	};
	for (const [what, { begin, end, doctor }] of Object.entries(troubles))
		it(`says so where ${what}, keeps the session, and goes on when that is over`, async () => {
			await begin();
			try {
				await doctorSays(doctor);
				await failsToRenew();
			} finally {
				await end();
			}
			await doctorSays(/Acme answers/);
			await renews();
			assert.deepEqual([service.reuses(), service.graceReuses()], [0, 0]);
		});
});
