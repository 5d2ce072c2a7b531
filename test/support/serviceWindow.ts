/** A window as the core sees it: a whole service over real files and a real server, with a person who is a program. */

import { homedir } from 'node:os';
import { systemClock } from '../../src/auth/clock.ts';
import { createEmitter } from '../../src/auth/event.ts';
import type { Logger } from '../../src/auth/log.ts';
import { createOAuthDeps } from '../../src/auth/oauth/deps.ts';
import type { Provider } from '../../src/auth/provider.ts';
import { createAuthService, type ServiceOptions } from '../../src/auth/service/createService.ts';
import type { AuthService } from '../../src/auth/service.ts';
import type { SignInSession, SignInStep, SignInUi } from '../../src/auth/signIn/ui.ts';
import { nodeDisk } from '../../src/auth/vault/disk.ts';
import type { KeyStore } from '../../src/auth/vault/keyStore.ts';
import { createWindowProbe } from '../../src/auth/windowProbe.ts';
import { CLIENT_ID, SCOPES } from '../server/client.ts';
import type { PersonId } from '../server/people.ts';
import { approveDeviceByHttp, signInByHttp } from './signInByHttp.ts';

/** A store of keys that all windows share at once, as a keyring would be if VS Code did not cache it. */
export function createSharedKeys(): KeyStore & { readonly keys: Map<string, Buffer>; announce(): void } {
	const keys = new Map<string, Buffer>();
	const emitter = createEmitter<void>((error) => {
		throw error;
	});
	return {
		name: 'secretStorage',
		keys,
		announce: () => emitter.fire(),
		async read(keyId) {
			const key = keys.get(keyId);
			return key ? { kind: 'key', key } : { kind: 'absent' };
		},
		async write(keyId, key) {
			keys.set(keyId, key);
		},
		async removeAll() {
			keys.clear();
		},
		onDidChange: emitter.event,
	};
}

/** The demo service of a running server as a provider. */
export function demoProvider(issuer: string): Provider {
	return { id: 'demo', label: 'Demo', kind: 'oidc', issuer, client: { clientId: CLIENT_ID, scopes: [...SCOPES] } };
}

export type Window = {
	readonly service: AuthService;
	/** Every line that was logged. */
	readonly lines: string[];
};

export function openWindow(
	storagePath: string,
	secrets: KeyStore,
	providers: readonly Provider[],
	overrides: Partial<ServiceOptions> = {},
): Window {
	const lines: string[] = [];
	const log = createTestLog(lines);
	const service = createAuthService({
		storagePath,
		secrets,
		keepKeyCopy: false,
		disk: nodeDisk,
		clock: systemClock,
		log,
		oauth: createOAuthDeps({ fetch, clock: systemClock, log }),
		providers: () => providers,
		signInFlow: () => 'auto',
		browserOnThisMachine: () => true,
		probe: createWindowProbe(async () => undefined, systemClock, log),
		earlyRefreshIdleMs: () => 0,
		askAboutKey: async () => 'cancel',
		bindingOf: () => ({ kind: 'none' }),
		workspace: () => '',
		commands: { home: homedir(), env: process.env, platform: process.platform, workspaceFolders: () => [] },
		...overrides,
	});
	return { service, lines };
}

export function createTestLog(lines: string[]): Logger {
	const write = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
	return {
		trace: write('trace'),
		debug: write('debug'),
		info: write('info'),
		warn: write('warn'),
		error: write('error'),
	};
}

export type ScriptedPerson = {
	readonly person: PersonId;
	readonly deny?: boolean;
	/** The flow that is expected; in the other two the address that opens is not where this person signs in. */
	readonly flow?: 'loopback' | 'device' | 'paste';
	/** What to do with an address instead of signing in there. */
	readonly visit?: (url: string) => Promise<void>;
	readonly acceptOther?: boolean;
	readonly signal?: AbortSignal;
};

export type ScriptedUi = SignInUi & {
	readonly steps: SignInStep[];
	readonly opened: string[];
	readonly visits: Promise<unknown>[];
};

/** A person who presses the right buttons at the server's own pages. */
export function scriptedUi(script: ScriptedPerson): ScriptedUi {
	const steps: SignInStep[] = [];
	const opened: string[] = [];
	const visits: Promise<unknown>[] = [];
	const session: SignInSession = {
		signal: script.signal ?? new AbortController().signal,
		report(step) {
			steps.push(step);
			if (step.kind === 'deviceCode')
				visits.push(approveDeviceByHttp(step, script.person, { deny: script.deny ?? false }));
		},
		onChoice: () => ({ dispose() {} }),
		async openBrowser(url) {
			opened.push(url);
			if ((script.flow ?? 'loopback') !== 'loopback') return true;
			visits.push(script.visit ? script.visit(url) : signInByHttp(url, script.person, { deny: script.deny ?? false }));
			return true;
		},
		async askForRedirectUrl(authorizationUrl) {
			return (await signInByHttp(authorizationUrl, script.person, { deliver: false, deny: script.deny ?? false }))
				.redirectUrl;
		},
		pickFlow: async () => undefined,
		confirmOtherAccount: async () => script.acceptOther ?? false,
	};
	return { steps, opened, visits, run: (_provider, work) => work(session) };
}
