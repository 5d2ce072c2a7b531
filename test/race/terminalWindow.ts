/**
 * A window as a process of its own: terminal access with a fake service, steered by messages of the test that forked
 * it. Started with nothing secret in arguments or environment.
 */
import { type Clock, systemClock } from '../../src/auth/clock.ts';
import { createOAuthDeps } from '../../src/auth/oauth/deps.ts';
import type { AuthService } from '../../src/auth/service.ts';
import type { AuditEntry } from '../../src/auth/terminal/audit.ts';
import type { ConsentAnswer, ConsentPolicy } from '../../src/auth/terminal/grant.ts';
import { createTerminalAccess } from '../../src/auth/terminal/terminalAccess.ts';
import {
	createSharedKeys,
	demoProvider,
	openWindow as openServiceWindow,
	scriptedUi,
} from '../support/serviceWindow.ts';
import { collectingLogger, type FakeService, fakeService } from '../support/terminalFakes.ts';

export type WindowConfig = {
	readonly globalStoragePath: string;
	readonly helperBundlePath: string;
	readonly tokenPrefix: string;
	readonly workspaceFolders: readonly string[];
	readonly terminalPids: readonly number[];
	/** What the person says; `silence` leaves the question open. */
	readonly answer: ConsentAnswer | 'silence';
	readonly policy: ConsentPolicy;
	readonly trusted: boolean;
	/** Issuer of a running server: the window is then a whole one, with somebody signed in there as `acme`. */
	readonly issuer?: string;
};

export type WindowReport = {
	readonly asked: readonly string[];
	readonly programs: readonly string[];
	readonly reports: FakeService['reports'];
	readonly keys: FakeService['keys'];
	readonly audit: readonly AuditEntry[];
	readonly tokens: number;
	readonly log: readonly string[];
};
export type WindowCommand =
	| { readonly kind: 'open'; readonly config: WindowConfig }
	| { readonly kind: 'report' | 'close' }
	/** Time passes, for the tokens. */
	| { readonly kind: 'pass'; readonly ms: number };

/** Added to the wall clock by `pass`. */
let passedMs = 0;
const clock: Clock = { ...systemClock, now: () => Date.now() + passedMs };

async function signedIn(issuer: string, storagePath: string): Promise<AuthService> {
	const provider = { ...demoProvider(issuer), id: 'acme', gitHosts: ['git.example.test'] };
	const { service } = openServiceWindow(storagePath, createSharedKeys(), [provider], {
		clock,
		oauth: createOAuthDeps({ fetch, clock, log: collectingLogger() }),
	});
	await service.signIn({ providerId: 'acme', ui: scriptedUi({ person: 'ada' }) });
	return service;
}

async function open(config: WindowConfig) {
	const fake = fakeService(config.tokenPrefix);
	const service = config.issuer === undefined ? fake : await signedIn(config.issuer, config.globalStoragePath);
	const log = collectingLogger();
	const asked: string[] = [];
	const programs: string[] = [];
	const access = createTerminalAccess({
		service,
		globalStoragePath: config.globalStoragePath,
		helperBundlePath: config.helperBundlePath,
		log,
		clock,
		ask({ consumer, program }) {
			asked.push(consumer.kind);
			programs.push(program ?? '');
			return config.answer === 'silence' ? new Promise(() => undefined) : Promise.resolve(config.answer);
		},
		confirmKey: () => Promise.resolve(config.answer !== 'no'),
		policy: () => config.policy,
		workspace: () => ({ id: config.workspaceFolders.join('|'), name: 'the workspace' }),
		version: 'test',
		terminals: () => Promise.resolve(config.terminalPids.map((pid) => ({ pid, name: `terminal ${pid}` }))),
		isTrusted: () => config.trusted,
		workspaceFolders: () => config.workspaceFolders,
	});
	return {
		access,
		report: (): WindowReport => ({
			...{ asked, programs, reports: fake.reports, keys: fake.keys, tokens: fake.tokens, log: log.lines },
			audit: access.audit.entries(),
		}),
	};
}

let window: Awaited<ReturnType<typeof open>> | undefined;

process.on('message', async (command: WindowCommand) => {
	switch (command.kind) {
		case 'open':
			window = await open(command.config);
			await window.access.started;
			process.send?.('opened');
			break;
		case 'report':
			process.send?.(window?.report());
			break;
		case 'pass':
			passedMs += command.ms;
			process.send?.('passed');
			break;
		case 'close':
			// As a host ends: what is not done when this returns does not happen.
			window?.access.dispose();
			process.exit(0);
	}
});
