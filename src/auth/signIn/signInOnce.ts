/**
 * One sign-in at a time per provider over all windows: who asks while one runs waits for it and has its outcome, so that
 * ten windows that need a sign-in open one browser tab. Who waits says so; a window that nobody sees lets go then, and any
 * window does if the person wants to sign in elsewhere.
 */
import { createHash, randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { type Clock, delay } from '../clock.ts';
import { AuthError, type AuthErrorCode, isAuthError } from '../errors.ts';
import type { Leases } from '../lease/lease.ts';
import type { Ledger } from '../vault/ledger.ts';

/** A flow ends by its own limits (device codes live up to 15 minutes as a rule); this only ends the waiting. */
export const WAIT_FOR_FLOW_MS = 20 * 60_000;

/** How often a flow looks whether somebody waits for it. */
const LOOK_EVERY_MS = 1_000;

/** Who waits says so again after this time: the flow that is waited for may be another by then. */
const SAY_EVERY_MS = 5_000;

/** The window of a flow that is waited for is asked anew after this time. */
const SEEN_MS = 3_000;

/** For whom the flow was ended, that one comes first. */
const STAND_BACK_MS = 1_000;

/** Who waits, or wants the turn. */
const askerSchema = v.object({ from: v.string() });

/** What the others are told. */
const outcomeSchema = v.variant('kind', [
	v.object({ kind: v.literal('signedIn'), bucketId: v.string() }),
	v.object({ kind: v.literal('failed'), code: v.string() }),
	/** It was given up for somebody else: for whom, unless that is anybody's turn. */
	v.object({ kind: v.literal('gaveWay'), to: v.optional(v.string()) }),
]);

export type SignInOnceRequest = {
	readonly providerId: string;
	readonly signal: AbortSignal;
	readonly clock: Clock;
	/** Called if another flow runs already; `takeOver` ends that one, and this call's runs. */
	readonly onWait: (takeOver: () => void) => void;
	/** Whether anybody sees this window; asked about while another one waits. May be called at any rate. */
	readonly isSeen: (maxAgeMs: number) => Promise<boolean>;
	/** Runs the flow and stores what it brought; resolves to the bucket. `signal` aborts when it has to give way. */
	readonly flow: (signal: AbortSignal) => Promise<string>;
};

/** The ends of a flow that are also the end for those who waited; after any other their own flow runs. */
const SHARED_CODES: ReadonlySet<AuthErrorCode> = new Set<AuthErrorCode>([
	'cancelled',
	'denied',
	'timeout',
	'transient',
	'protocol',
	'identity',
	'configuration',
	'storage',
	'key_missing',
	'key_unreadable',
]);

/** Resolves to the bucket that was signed in, by this call's flow or by the one that ran when it was made. */
export async function signInOnce(leases: Leases, ledger: Ledger, request: SignInOnceRequest): Promise<string> {
	const { providerId, signal, clock } = request;
	const id = createHash('sha256').update(providerId).digest('hex').slice(0, 32);
	const [name, waits, takes] = [`flow-${id}`, `wait-${id}`, `take-${id}`];
	const self = randomUUID();
	let asked = (await ledger.read(name))?.generation ?? 0;

	async function say(what: string): Promise<void> {
		const bytes = Buffer.from(JSON.stringify({ from: self } satisfies v.InferOutput<typeof askerSchema>));
		for (let written = 'conflict'; written === 'conflict'; )
			written = await ledger.append(what, await generationOf(what), bytes);
	}

	const generationOf = async (what: string): Promise<number> => (await ledger.read(what))?.generation ?? 0;

	/** Runs the flow, and ends it where it has to give way. */
	async function giving(): Promise<{ readonly bucketId: string } | { readonly gaveWayTo: string | undefined }> {
		const [waitsBefore, takesBefore] = [await generationOf(waits), await generationOf(takes)];
		const over = new AbortController();
		const way = new AbortController();
		let taker: string | undefined;
		async function look(): Promise<void> {
			for (;;) {
				await delay(clock, LOOK_EVERY_MS, over.signal);
				const taking = await ledger.read(takes);
				const isTaken = taking !== undefined && taking.generation > takesBefore;
				const isAwaited = isTaken || (await generationOf(waits)) > waitsBefore;
				if (!isTaken && !(isAwaited && !(await request.isSeen(SEEN_MS)))) continue;
				taker = isTaken ? parse(askerSchema, taking.bytes)?.from : undefined;
				return way.abort(new AuthError('cancelled', 'the sign-in goes on in another window'));
			}
		}
		// Who cannot look goes on: nobody is worse off than without.
		const looking = look().catch(() => undefined);
		try {
			return { bucketId: await request.flow(way.signal) };
		} catch (error) {
			if (way.signal.aborted) return { gaveWayTo: taker };
			throw error;
		} finally {
			over.abort(new AuthError('cancelled', 'the flow is over'));
			await looking;
		}
	}

	async function turn(): Promise<string | undefined> {
		const mine = new AbortController();
		async function wait(): Promise<void> {
			for (;;) {
				await say(waits);
				await delay(clock, SAY_EVERY_MS, mine.signal);
			}
		}
		const onWait = (): void => {
			// Who cannot say that they wait, wait all the same.
			wait().catch(() => undefined);
			request.onWait(() => void say(takes).catch(() => undefined));
		};
		try {
			return await leases.run(
				`sign-in\0${providerId}`,
				{ patienceMs: WAIT_FOR_FLOW_MS, signal, purpose: 'sign-in', onWait },
				async () => {
					mine.abort(new AuthError('cancelled', 'it waits no more'));
					return await inTurn();
				},
			);
		} finally {
			mine.abort(new AuthError('cancelled', 'it waits no more'));
		}
	}

	/** Undefined if it is another one's turn. */
	async function inTurn(): Promise<string | undefined> {
		const entry = await ledger.read(name);
		const generation = entry?.generation ?? 0;
		if (entry && generation > asked) {
			const outcome = parse(outcomeSchema, entry.bytes);
			if (outcome?.kind === 'signedIn') return outcome.bucketId;
			if (outcome?.kind === 'gaveWay' && outcome.to !== undefined && outcome.to !== self) {
				asked = generation;
				return undefined;
			}
			const code = outcome?.kind === 'failed' && [...SHARED_CODES].find((shared) => shared === outcome.code);
			if (code) throw new AuthError(code, 'the sign-in in another window ended without an account');
		}
		const record = (outcome: v.InferOutput<typeof outcomeSchema>): Promise<unknown> =>
			ledger.append(name, generation, Buffer.from(JSON.stringify(outcome)));
		try {
			const ended = await giving();
			if ('bucketId' in ended) {
				await record({ kind: 'signedIn', bucketId: ended.bucketId });
				return ended.bucketId;
			}
			await record({ kind: 'gaveWay', ...(ended.gaveWayTo !== undefined && { to: ended.gaveWayTo }) });
		} catch (error) {
			// What went wrong is what this caller must hear of, whether the others can be told or not.
			await record({ kind: 'failed', code: isAuthError(error) ? error.code : 'protocol' }).catch(() => undefined);
			throw error;
		}
		throw new AuthError('cancelled', 'the sign-in goes on in another window');
	}

	for (;;) {
		const bucketId = await turn();
		if (bucketId !== undefined) return bucketId;
		await delay(clock, STAND_BACK_MS, signal);
	}
}

/** Undefined if it is damaged: then nobody knows what was meant, and it counts as not said. */
function parse<S extends v.GenericSchema>(schema: S, bytes: Buffer): v.InferOutput<S> | undefined {
	try {
		const parsed = v.safeParse(schema, JSON.parse(bytes.toString('utf8')));
		return parsed.success ? parsed.output : undefined;
	} catch {
		// The text of a syntax error says nothing more.
		return undefined;
	}
}
