/**
 * The stage of one run: the windows, what they are asked, and which answers may come. Everything that the plan does not
 * explain is a violation: an error code without a reason, a token of somebody else, one that was refused or has ended.
 */
import type { RefreshRequest } from '../../../src/auth/refresh/refresher.ts';
import { recordName } from '../../../src/auth/vault/sealing.ts';
import { createSecretWorld } from '../../support/secretStorageDouble.ts';
import { createFiles } from './files.ts';
import { createInvariants } from './invariants.ts';
import type { Modules } from './modules.ts';
import type { Plan } from './plan.ts';
import { createTokenServer, type Person } from './tokenServer.ts';
import { openWindow, PROVIDER, type Window } from './window.ts';
import type { Actor, World } from './world.ts';

export type Bucket = { readonly id: string; readonly person: Person; leaving: boolean; leftAtStep?: number };

export type Call = {
	readonly actor: Actor;
	readonly what: string;
	readonly startedMs: number;
	readonly startedStep: number;
	settled: boolean;
};

/** The waiters' patience, a renewal of their own after it, and room for a machine on which every step takes long. */
const ANSWERED_WITHIN_MS = 200_000;

export type Scene = ReturnType<typeof createScene>;

export function createScene(plan: Plan, modules: Modules, world: World) {
	const files = createFiles(world);
	const secretWorld = createSecretWorld(plan.secrets, world.clockOf(undefined));
	const buckets = new Map<string, Bucket>();
	/** The bucket that each person's windows ask for. */
	const current = new Map<Person, Bucket>();
	const lastToken = new Map<Person, string>();
	const keys = new Set<string>();
	const calls: Call[] = [];
	const windows: Window[] = [];
	/** What has happened so far that explains an answer. */
	const seen = { kills: 0, stops: 0, sleeps: 0, nights: 0, jumps: 0, secrets: 0, slow: 0 };
	const hung = new Set<Actor>();
	let nextPid = 100;
	let ending = false;
	let sleptMs = 0;

	const invariants = createInvariants({
		world,
		files,
		server: () => server,
		keys: () => keys,
		apart: plan.apart,
		isLeaving: (bucketId) => buckets.get(bucketId)?.leaving === true,
	});
	const server = createTokenServer(world, {
		graceMs: plan.graceMs,
		graceAnswer: plan.graceAnswer,
		delayMs: plan.answerMs,
		isExcused: invariants.isExcused,
		hasLeftover: (refreshToken) => invariants.hasLeftover(refreshToken),
	});

	function start(slot: number, pid = nextPid++): Promise<void> {
		const actor = world.start(slot, pid, plan.apart ? `ns-${world.actors.length}` : 'ns');
		return world.as(actor, () => {
			windows[slot] = openWindow({
				world,
				files,
				server,
				modules,
				actor,
				secrets: secretWorld.open(),
				keepKeyCopy: plan.secrets === 'web',
				deaf: plan.deaf,
				onHeld: (name) => invariants.held(actor, name),
				// On the web a copy of the key may be put back in the background at any time, for which nobody waits.
				holdsLease: () => plan.secrets === 'desktop' && invariants.holds(actor),
				onStore: (value) => void keys.add(value),
			});
		});
	}

	/** Starts a call of a window that runs, and judges what comes of it. */
	async function call<T>(
		window: Window,
		what: string,
		work: () => Promise<T>,
		onDone: (value: T, started: Call) => void,
		isAllowed: (code: string) => boolean,
	): Promise<void> {
		const { actor } = window;
		if (actor.life !== 'running') return;
		const started: Call = {
			actor,
			what,
			startedMs: world.elapsedMs(),
			startedStep: world.stepCount(),
			settled: false,
		};
		calls.push(started);
		const sleptBeforeMs = sleptMs;
		const settle = (): void => {
			started.settled = true;
			const tookMs = world.elapsedMs() - started.startedMs - (sleptMs - sleptBeforeMs);
			if (seen.stops === 0 && tookMs > ANSWERED_WITHIN_MS) world.violate(`w${actor.slot} ${what} took ${tookMs} ms`);
		};
		await world.as(actor, () => {
			work().then(
				(value) => {
					settle();
					onDone(value, started);
				},
				(error: unknown) => {
					settle();
					const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
					if (!isAllowed(code)) world.violate(`w${actor.slot} ${what}: ${code} (${String(error)})`);
				},
			);
		});
	}

	const disruptions = (): number => seen.kills + server.unknowns() + invariants.robberies() + seen.sleeps;
	const mayBeLocked = (): boolean =>
		!ending && (seen.stops + seen.sleeps + seen.slow > 0 || plan.apart || plan.paceMs >= 15);

	async function ask(window: Window, person: Person, kind: 'ask' | 'force' | 'refused'): Promise<void> {
		const bucket = current.get(person);
		if (!bucket) return;
		const refused = kind === 'refused' ? lastToken.get(person) : undefined;
		const request: Omit<RefreshRequest, 'purpose'> = {
			ref: { providerId: PROVIDER.id, bucketId: bucket.id },
			correlationId: `${kind}-${world.stepCount()}`,
			...(kind === 'force' ? { force: true } : {}),
			...(refused === undefined ? {} : { refusedDigest: modules.log.digest(refused) }),
		};
		await call(
			window,
			`${kind} ${person}`,
			() => window.refresh(request),
			({ credential: { accessToken } }, started) => {
				lastToken.set(person, accessToken);
				if (server.personOf(accessToken) !== person) world.violate(`${person} was given a token of somebody else`);
				if (accessToken === refused) world.violate('a refused token was given out again');
				if (seen.jumps === 0 && server.endsAtMs(accessToken) <= started.startedMs)
					world.violate('a token was given out that had ended before it was asked for');
				if ((bucket.leftAtStep ?? Number.POSITIVE_INFINITY) < started.startedStep)
					world.violate('a token was given out after the sign-out');
			},
			(code) => {
				if (code === 'no_account') return bucket.leaving;
				if (code === 'invalid_grant') return server.hasLost(person);
				// Two holders in a row died with it, or were as good as dead.
				if (code === 'unknown_outcome') return seen.kills + invariants.robberies() >= 2;
				if (code === 'transient') return (server.troubled() || wasLostTwice()) && !ending;
				if (code === 'locked') return mayBeLocked();
				// Asleep while SecretStorage answers: its deadline is past when it wakes.
				return (code === 'key_unreadable' || code === 'key_missing') && seen.secrets + seen.sleeps + seen.stops > 0;
			},
		);
	}

	/** Nobody sends a third time by itself: the first answer was lost with its sender, or on its way, and so was the second. */
	function wasLostTwice(): boolean {
		const lost = server.unknowns();
		return lost >= 2 || (lost === 1 && seen.kills > 0);
	}

	function signIn(window: Window, person: Person, expired = false): Promise<void> {
		return call(
			window,
			`signIn ${person}`,
			() => window.signIn(server.signIn(person, expired)),
			(id) => {
				const bucket = buckets.get(id) ?? { id, person, leaving: false };
				buckets.set(id, bucket);
				current.set(person, bucket);
			},
			(code) => (code === 'key_unreadable' || code === 'key_missing') && seen.secrets + seen.sleeps + seen.stops > 0,
		);
	}

	async function signOut(window: Window, person: Person): Promise<void> {
		const bucket = current.get(person);
		if (!bucket || window.actor.life !== 'running') return;
		bucket.leaving = true;
		await call(
			window,
			`signOut ${person}`,
			() => window.signOut({ providerId: PROVIDER.id, bucketId: bucket.id }),
			() => {
				const content = invariants.newest(recordName({ providerId: PROVIDER.id, bucketId: bucket.id }));
				if (content?.kind === 'signedOut') bucket.leftAtStep = world.stepCount();
			},
			() => false,
		);
	}

	return {
		windows,
		server,
		invariants,
		seen,
		hung,
		current,
		lastToken,
		start,
		ask,
		signIn,
		signOut,
		disruptions,
		sleep(ms: number) {
			sleptMs += ms;
			world.sleep(ms);
		},
		/** From now on all is well, and nothing explains that somebody is not served. */
		beginEnd() {
			ending = true;
		},
		/** A call of a window that runs and has no answer yet. */
		unanswered: (): Call | undefined => calls.find((entry) => !entry.settled && entry.actor.life === 'running'),
	};
}
