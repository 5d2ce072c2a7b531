/**
 * What a waiter makes of the owner it waits for, look by look. An owner on this host is judged by its process. One that
 * cannot be judged (another host, another pid namespace) counts as gone after a number of looks in a row that find no new
 * heartbeat, each at least a heartbeat after the last. No wall clock is read, and the owner's time is compared with nothing.
 */
import type { Clock } from '../clock.ts';
import type { Owner } from './lockFolder.ts';
import type { Processes } from './processes.ts';
import { judge, type Liveness } from './processIdentity.ts';

/** The owner touches the lock this often; only observers who cannot judge the owner look at it. */
export const HEARTBEAT_MS = 2_000;
/** Observations without a heartbeat after which an owner that cannot be judged counts as gone: 15 missed beats. */
export const UNJUDGEABLE_OBSERVATIONS = 15;
/** How often a process is looked at closely where that starts a program. In between only whether its pid is in use. */
export const CLOSE_LOOK_MS = 2_000;

/** `silent`: it cannot be judged, and its heart has not beaten for long. */
export type Verdict = 'present' | 'dead' | 'silent';

/** One per waiter: it counts what this waiter sees. */
export type OwnerObserver = {
	/** @param readBeat the owner's heartbeat, compared for equality only; read where the process itself cannot be judged. */
	look(owner: Owner, readBeat: () => Promise<string>): Promise<Verdict>;
};

export function createOwnerObserver(processes: Processes, clock: Clock): OwnerObserver {
	let seen: { readonly nonce: string; readonly liveness: Liveness; readonly atMs: number } | undefined;
	let silence: { readonly beat: string; readonly count: number; readonly atMs: number } | undefined;

	async function livenessOf({ nonce, process }: Owner): Promise<Liveness> {
		if (process === undefined) return 'unknown';
		const known = seen?.nonce === nonce && !processes.probeIsCheap ? seen : undefined;
		if (known && clock.monotonic() - known.atMs < CLOSE_LOOK_MS)
			return known.liveness === 'alive' && !processes.exists(process.pid) ? 'dead' : known.liveness;
		const liveness = await judge(process, await processes.self(), processes.probe);
		seen = { nonce, liveness, atMs: clock.monotonic() };
		return liveness;
	}

	/** Whether the owner has now been silent for as many looks as it takes. */
	function countSilence({ nonce }: Owner, heard: string): boolean {
		const atMs = clock.monotonic();
		const beat = `${nonce} ${heard}`;
		if (silence?.beat !== beat) {
			silence = { beat, count: 0, atMs };
			return false;
		}
		if (atMs - silence.atMs < HEARTBEAT_MS) return false;
		silence = { beat, count: silence.count + 1, atMs };
		return silence.count >= UNJUDGEABLE_OBSERVATIONS;
	}

	return {
		async look(owner, readBeat) {
			const liveness = await livenessOf(owner);
			if (liveness === 'dead') return 'dead';
			return liveness === 'unknown' && countSilence(owner, await readBeat()) ? 'silent' : 'present';
		},
	};
}
