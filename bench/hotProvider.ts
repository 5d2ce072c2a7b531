/**
 * A process that is a window over a vault: stays open, and on demand times what VS Code would call, beside a function that
 * returns a constant. Its disk counts what is asked of it.
 */
import { systemClock } from '../src/auth/clock.ts';
import { createSessionProvider } from '../src/auth/session/sessionProvider.ts';
import { nodeDisk } from '../src/auth/vault/disk.ts';
import type { VaultSetup } from '../test/race/protocol.ts';
import { createFaultyDisk } from '../test/support/faultyDisk.ts';
import { createRecordingLog } from '../test/support/recordingLog.ts';
import { median, sum } from './samples.ts';
import { openVaultWindow } from './vaultWindow.ts';

export type HotOrder =
	| { readonly kind: 'open'; readonly setup: VaultSetup }
	| { readonly kind: 'time'; readonly samples: number };
export type HotAnswer =
	| { readonly kind: 'started' | 'opened' }
	| { readonly kind: 'times'; readonly times: HotTimes }
	| { readonly kind: 'failed'; readonly reason: string };

/** Medians per call, in µs. */
export type HotTimes = {
	readonly constantUs: number;
	/** As VS Code asks for a consumer that names no account: all sessions with these scopes. */
	readonly allUs: number;
	/** The account "Automatic" by name. */
	readonly automaticUs: number;
	readonly sessions: number;
	/** From the start of the service until state and records were read, in ms. */
	readonly loadMs: number;
	/** Operations on the disk during all of them. */
	readonly diskOperations: number;
};

const CALLS = 40;
const AUTOMATIC = { id: 'Automatic', label: 'Automatic' };

type Open = {
	readonly disk: ReturnType<typeof createFaultyDisk>;
	readonly provider: ReturnType<typeof createSessionProvider>;
	readonly loadMs: number;
};
let open: Open | undefined;

async function openWindow(setup: VaultSetup): Promise<Open> {
	const disk = createFaultyDisk(nodeDisk);
	const startedMs = performance.now();
	const { service, providerId, ready } = openVaultWindow(setup, disk);
	await ready;
	const loadMs = performance.now() - startedMs;
	const provider = createSessionProvider(providerId, {
		service,
		clock: systemClock,
		log: createRecordingLog(),
		describe: String,
		signIn: () => Promise.reject(new Error('nobody signs in here')),
		askSignOutAutomatic: async () => 'cancel',
		isTrusted: () => true,
	});
	return { disk, provider, loadMs };
}

async function time({ disk, provider, loadMs }: Open, samples: number): Promise<HotTimes> {
	const [session] = await provider.getSessions(['api'], AUTOMATIC);
	if (session === undefined) throw new Error('nobody is signed in');
	const constant = async (): Promise<(typeof session)[]> => [session];
	const all = (): Promise<unknown> => provider.getSessions(['api']);
	const automatic = (): Promise<unknown> => provider.getSessions(['api'], AUTOMATIC);
	const works = [constant, all, automatic];
	const times: number[][] = works.map(() => []);
	// The first call notes when the account was last used; what that writes is over before anything is counted.
	for (let call = 0; call < 200; call++) for (const work of works) await work();
	await new Promise((resolve) => setTimeout(resolve, 200));
	disk.set(undefined);
	for (let sample = 0; sample < samples; sample++)
		for (const [index, work] of works.entries()) {
			const startedMs = performance.now();
			for (let call = 0; call < CALLS; call++) await work();
			times[index]?.push(((performance.now() - startedMs) * 1000) / CALLS);
		}
	const [constantUs = Number.NaN, allUs = Number.NaN, automaticUs = Number.NaN] = times.map(median);
	const sessions = (await provider.getSessions(['api'])).length;
	return { constantUs, allUs, automaticUs, sessions, loadMs, diskOperations: sum([...disk.calls.values()]) };
}

async function handle(order: HotOrder): Promise<HotAnswer> {
	if (order.kind === 'open') {
		open = await openWindow(order.setup);
		return { kind: 'opened' };
	}
	if (open === undefined) throw new Error('nothing is open');
	return { kind: 'times', times: await time(open, order.samples) };
}

process.on('message', (order: HotOrder) => {
	handle(order).then(
		(answer) => process.send?.(answer),
		(error: unknown) => process.send?.({ kind: 'failed', reason: String(error) } satisfies HotAnswer),
	);
});
process.on('disconnect', () => process.exit(0));
process.send?.({ kind: 'started' } satisfies HotAnswer);
