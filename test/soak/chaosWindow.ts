/**
 * A window of a chaos run: the whole service over real files and a real server, as a process of its own that does what it
 * is told. An error that reaches the top ends it with code 70, which is a violation.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../src/auth/clock.ts';
import { isAuthError } from '../../src/auth/errors.ts';
import { nodeLockDisk } from '../../src/auth/lease/lockDisk.ts';
import { nodeProcesses } from '../../src/auth/lease/processes.ts';
import { digest } from '../../src/auth/log.ts';
import { createOAuthDeps } from '../../src/auth/oauth/deps.ts';
import type { Provider } from '../../src/auth/provider.ts';
import type { AuthService } from '../../src/auth/service.ts';
import type { BucketSnapshot } from '../../src/auth/snapshot.ts';
import { type Disk, nodeDisk } from '../../src/auth/vault/disk.ts';
import { nodeFolderWatch } from '../../src/auth/vault/folderWatch.ts';
import type { KeyStore } from '../../src/auth/vault/keyStore.ts';
import type { PersonId } from '../server/people.ts';
import { createTestLog, openWindow, scriptedUi } from '../support/serviceWindow.ts';
import {
	type DiskTrouble,
	type Message,
	type Order,
	PROVIDER_ID,
	type Reply,
	type Result,
	type WindowSetup,
} from './orders.ts';

/** Longer than any trouble of a run. */
const DEADLINE_MS = 15_000;

let service: AuthService | undefined;
let trouble: DiskTrouble = 'none';
let defect: WindowSetup['defect'];

/** The folder outlives the windows, as a keyring does. */
function keysIn(folder: string): KeyStore {
	return {
		name: 'secretStorage',
		async read(keyId) {
			try {
				return { kind: 'key', key: readFileSync(join(folder, keyId)) };
			} catch {
				// Only ever absent: nothing goes wrong with this keyring.
				return { kind: 'absent' };
			}
		},
		async write(keyId, key) {
			const temporary = join(folder, `${keyId}.${process.pid}`);
			writeFileSync(temporary, key, { mode: 0o600 });
			renameSync(temporary, join(folder, keyId));
		},
		onDidChange: () => ({ dispose() {} }),
	};
}

/** A disk that is full while it is told so: a name still finds a place, its content does not. */
const disk: Disk = {
	...nodeDisk,
	async writeNew(path, bytes) {
		if (defect === 'forgetfulDisk' && /[0-9a-f]{64}\.\d+\./.test(path)) return nodeDisk.writeNew(path, Buffer.alloc(0));
		if (trouble === 'full') return fill(path, 'wx');
		return nodeDisk.writeNew(path, bytes);
	},
	async overwrite(path, bytes) {
		if (trouble === 'full') return fill(path, 'w');
		return nodeDisk.overwrite(path, bytes);
	},
	// What has its room finds it on a full disk too.
	async writeInto(path, bytes) {
		if (defect === 'forgetfulDisk') return nodeDisk.writeInto(path, Buffer.alloc(0));
		return nodeDisk.writeInto(path, bytes);
	},
};

async function fill(path: string, flag: 'w' | 'wx'): Promise<never> {
	await writeFile(path, '', { flag, mode: 0o600 });
	throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
}

function open(setup: WindowSetup): AuthService {
	const provider: Provider = {
		id: PROVIDER_ID,
		label: 'Demo',
		kind: 'oauth2',
		endpoints: {
			issuer: setup.issuer,
			authorizationEndpoint: setup.authorizationUrl,
			tokenEndpoint: setup.tokenUrl,
			revocationEndpoint: setup.revocationUrl,
			userinfoEndpoint: setup.userinfoUrl,
		},
		client: { clientId: setup.clientId, scopes: ['api'] },
	};
	defect = setup.defect;
	const named: typeof fetch = (input, init) => {
		const headers = new Headers(init?.headers);
		headers.set('x-window', setup.name);
		return fetch(input, { ...init, headers });
	};
	const opened = openWindow(setup.storagePath, keysIn(setup.keyFolder), [provider], {
		disk,
		oauth: createOAuthDeps({ fetch: named, clock: systemClock, log: createTestLog([]) }),
		...(defect === 'leaseForAll' && {
			system: {
				lockDisk: nodeLockDisk,
				// Whoever holds a lease seems to be dead.
				processes: { ...nodeProcesses, probe: async () => ({ kind: 'dead' }), exists: (pid) => pid === process.pid },
				folderWatch: nodeFolderWatch,
			},
		}),
	});
	return opened.service;
}

function bucketOf(bucketId: string): BucketSnapshot | undefined {
	return buckets().find(({ id }) => id === bucketId);
}

function buckets(): readonly BucketSnapshot[] {
	return service?.snapshot().providers.find(({ provider }) => provider.id === PROVIDER_ID)?.buckets ?? [];
}

async function signIn(open: AuthService, person: PersonId, bucketId: string | undefined): Promise<Result> {
	const ui = scriptedUi({
		person,
		async visit(url) {
			const address = new URL(url);
			address.searchParams.set('login_hint', person);
			const sent = await fetch(address, { redirect: 'manual' });
			await fetch(sent.headers.get('location') ?? '').then((page) => page.text());
		},
	});
	// A visit that finds nobody listening any more is the sign-in's failure, which is told by itself.
	const signal = AbortSignal.timeout(DEADLINE_MS);
	try {
		const bucket = await open.signIn({
			providerId: PROVIDER_ID,
			flow: 'loopback',
			ui,
			signal,
			...(bucketId !== undefined && bucketOf(bucketId) !== undefined && { bucketId }),
		});
		const { subject } = bucket.account.identity;
		return { kind: 'signedIn', bucketId: bucket.id, ...(subject !== undefined && { subject }) };
	} finally {
		await Promise.allSettled(ui.visits);
	}
}

async function handle(order: Order): Promise<Result> {
	if (order.kind === 'open') {
		service = open(order.setup);
		await service.loaded;
		return { kind: 'done' };
	}
	if (order.kind === 'disk') {
		trouble = order.trouble;
		return { kind: 'done' };
	}
	const opened = service;
	if (opened === undefined) throw new Error('not opened');
	switch (order.kind) {
		case 'token': {
			const { token, bucket } = await opened.getToken({
				providerId: PROVIDER_ID,
				...(order.bucketId !== undefined && { bucketId: order.bucketId }),
				deadlineMs: DEADLINE_MS,
				purpose: 'chaos',
			});
			return { kind: 'token', bucketId: bucket.id, digest: digest(token.value), generation: bucket.generation };
		}
		case 'renew':
			await opened.refresh(PROVIDER_ID, order.bucketId);
			return { kind: 'done' };
		case 'rename':
			await opened.renameBucket(PROVIDER_ID, order.bucketId, order.name);
			return { kind: 'done' };
		case 'move':
			await opened.moveBucket(PROVIDER_ID, order.bucketId, order.index);
			return { kind: 'done' };
		case 'signIn':
			return await signIn(opened, order.person, order.bucketId);
		case 'addKey': {
			const bucket = await opened.addApiKey({ providerId: PROVIDER_ID, key: `key-${order.name}`, name: order.name });
			return { kind: 'signedIn', bucketId: bucket.id };
		}
		case 'signOut':
			if (defect !== 'zombieAccount') await opened.signOut(PROVIDER_ID, order.bucketId);
			return { kind: 'done' };
		case 'report':
			await opened.report({
				providerId: PROVIDER_ID,
				tokenDigest: order.tokenDigest,
				report: { status: order.status, headers: { 'retry-after': '1' } },
				deadlineMs: DEADLINE_MS,
			});
			return { kind: 'done' };
		case 'reload':
			await opened.reload();
			return { kind: 'done' };
		case 'list': {
			const { problem } = opened.snapshot();
			return {
				kind: 'list',
				...(problem !== undefined && { problem }),
				buckets: buckets().map(({ id, name, kind, account, state, generation }) => ({
					bucketId: id,
					name,
					account: kind,
					...(account.identity.subject !== undefined && { subject: account.identity.subject }),
					state: state.kind,
					generation,
				})),
			};
		}
	}
}

process.on('uncaughtException', (error) => {
	console.error(error);
	process.exit(70);
});
process.on('message', ({ id, order }: Message) => {
	handle(order)
		.catch((error: unknown): Result => ({ kind: 'failed', code: isAuthError(error) ? error.code : String(error) }))
		.then((result) => process.send?.({ id, result } satisfies Reply));
});
// The parent is gone: nobody is left to work for.
process.on('disconnect', () => process.exit(0));
const uid = Number(process.env.AGENT_AUTH_CHAOS_UID);
if (process.getuid?.() === 0 && uid > 0) {
	// File modes do not apply to root.
	process.setgid?.(uid);
	process.setuid?.(uid);
}
process.send?.({ id: 0 } satisfies Reply);
