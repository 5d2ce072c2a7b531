/**
 * A whole window as a process of its own, with early renewal and a wall clock that a test moves while the process is
 * stopped, as the clock of a laptop moves while it sleeps. Steered like `worker.ts`.
 */
import { readFileSync } from 'node:fs';
import { type Clock, systemClock } from '../../src/auth/clock.ts';
import { isAuthError } from '../../src/auth/errors.ts';
import { digest } from '../../src/auth/log.ts';
import { createOAuthDeps } from '../../src/auth/oauth/deps.ts';
import type { Provider } from '../../src/auth/provider.ts';
import { keyIdOf } from '../../src/auth/vault/sealing.ts';
import { createTestLog, openWindow, type Window } from '../support/serviceWindow.ts';
import type { Command, Report, VaultSetup } from './protocol.ts';

const DAY_MS = 24 * 60 * 60_000;

let window: Window | undefined;
const oauthLines: string[] = [];

/** Milliseconds that the wall clock is ahead of the machine's, as `clockFile` has them now. */
function aheadMs(clockFile: string): number {
	return Number(readFileSync(clockFile, 'utf8'));
}

function open(setup: VaultSetup, clockFile: string): Window {
	const speed = setup.speed ?? 1;
	const clock: Clock = {
		now: () => systemClock.now() + aheadMs(clockFile),
		monotonic: () => systemClock.monotonic() * speed,
		schedule: (delayMs, callback) => systemClock.schedule(delayMs / speed, callback),
	};
	const key = Buffer.from(setup.key, 'base64');
	const provider: Provider = {
		id: setup.ref.providerId,
		label: 'Demo',
		kind: 'oauth2',
		endpoints: { issuer: setup.issuer, tokenEndpoint: setup.tokenUrl },
		client: { clientId: setup.clientId, scopes: ['api'] },
	};
	const secrets = {
		name: 'secretStorage',
		read: async (keyId: string) =>
			keyId === keyIdOf(key) ? { kind: 'key' as const, key } : { kind: 'absent' as const },
		write: async () => undefined,
		onDidChange: () => ({ dispose() {} }),
	} as const;
	return openWindow(setup.storagePath, secrets, [provider], {
		clock,
		oauth: createOAuthDeps({ fetch, clock, log: createTestLog(oauthLines) }),
		earlyRefreshIdleMs: () => DAY_MS,
	});
}

async function handle(command: Command): Promise<Report> {
	const { id } = command;
	switch (command.kind) {
		case 'open': {
			const { clockFile } = command.setup;
			if (clockFile === undefined) throw new Error('no clock');
			window?.service.dispose();
			window = open(command.setup, clockFile);
			await window.service.loaded;
			return { kind: 'done', id };
		}
		case 'token': {
			if (window === undefined) throw new Error('not opened');
			const { token, bucket } = await window.service.getToken({
				providerId: command.request.ref.providerId,
				deadlineMs: 60_000,
				purpose: 'test',
			});
			return {
				kind: 'token',
				id,
				digests: [digest(token.value)],
				generation: bucket.generation,
				unsaved: false,
				atMs: Date.now(),
			};
		}
		case 'shown': {
			// What a consumer would get from memory, without asking for anything.
			const bucket = window?.service.snapshot().providers[0]?.buckets[0];
			return {
				kind: 'shown',
				id,
				state: bucket?.state.kind ?? 'absent',
				...(bucket?.token && { digest: digest(bucket.token.value) }),
				...(bucket?.lastUsedAtMs !== undefined && { lastUsedAtMs: bucket.lastUsedAtMs }),
			};
		}
		case 'lines':
			return { kind: 'lines', id, lines: [...(window?.lines.splice(0) ?? []), ...oauthLines.splice(0)] };
		default:
			throw new Error(`a whole window knows no ${command.kind}`);
	}
}

process.on('uncaughtException', (error) => {
	console.error(error);
	process.exit(70);
});
process.on('message', (command: Command) => {
	handle(command).then(
		(report) => process.send?.(report),
		(error: unknown) =>
			process.send?.({
				kind: 'failed',
				id: command.id,
				code: isAuthError(error) ? error.code : `not an AuthError: ${String(error)}`,
				atMs: Date.now(),
			} satisfies Report),
	);
});
process.on('disconnect', () => process.exit(0));
process.send?.({ kind: 'ready' } satisfies Report);
