/**
 * A strict authorization server, and the oracle: refresh tokens are for one use, a second use outside the grace period
 * revokes the family. It knows what became of every request, so it can tell a resend that was declared (the outcome of the
 * first was unknown) from one that never should have been sent.
 */
import type { OAuthCredential } from '../../../src/auth/credential.ts';
import type { RefreshOutcome } from '../../../src/auth/oauth/refreshGrant.ts';
import type { Actor, World } from './world.ts';

export type Person = 'ada' | 'bob';

export type AnswerFault =
	/** The connection ends before the server acted, or after it. */
	| 'lostBefore'
	| 'lostAfter'
	| 'status503'
	/** Nothing ever comes. */
	| 'hangs'
	/** The answer takes longer than any deadline. */
	| 'late';

type Family = { readonly person: Person; revoked: boolean; newestUsed: number };
type Request = {
	readonly actor: Actor;
	readonly forced: boolean;
	/** What the sender was told; `pending` while it waits. */
	told: 'pending' | RefreshOutcome['kind'];
	/** When, by the wall clock. */
	toldAtMs?: number;
	/** The sender had lost the lease by a declared rule when it sent or waited. */
	excused: boolean;
};
type RefreshToken = {
	readonly family: Family;
	readonly rotation: number;
	usedAtMs?: number;
	successor?: string;
	readonly requests: Request[];
};

export type TokenServerOptions = {
	readonly graceMs: number;
	readonly graceAnswer: 'new' | 'same';
	readonly delayMs: number;
	/** Whether this actor lost its lease to somebody who could not judge it. */
	readonly isExcused: (actor: Actor) => boolean;
	/** Whether a complete record of the next generation lies there that only needs to be put in place. */
	readonly hasLeftover: (refreshToken: string) => boolean;
};

export const TOKEN_LIFE_MS = 3_600_000;
const LATE_MS = 40_000;
/** The first step of the back-off, with its jitter. */
const LEAST_WAIT_MS = 800;

export type TokenServer = ReturnType<typeof createTokenServer>;

export function createTokenServer(world: World, options: TokenServerOptions) {
	const refreshTokens = new Map<string, RefreshToken>();
	const accessTokens = new Map<string, { readonly family: Family; readonly endsAtMs: number }>();
	const bySignIn = new Set<string>();
	const faults: AnswerFault[] = [];
	let serial = 0;
	let down = false;
	let requestCount = 0;
	let unknowns = 0;
	let troubles = 0;

	function issue(family: Family, rotation: number, refreshToken = `rt-${++serial}`): OAuthCredential {
		const accessToken = `at-${++serial}`;
		const nowMs = world.nowMs();
		accessTokens.set(accessToken, { family, endsAtMs: world.elapsedMs() + TOKEN_LIFE_MS });
		if (!refreshTokens.has(refreshToken)) refreshTokens.set(refreshToken, { family, rotation, requests: [] });
		return {
			kind: 'oauth',
			accessToken,
			refreshToken,
			expiresAtMs: nowMs + TOKEN_LIFE_MS,
			obtainedAtMs: nowMs,
			scopes: [],
			identity: { issuer: 'https://demo', subject: family.person },
		};
	}

	/** What the protocol promises, checked when a token arrives. */
	function witness(value: string, token: RefreshToken, request: Request): void {
		const before = token.requests.filter((other) => !other.excused);
		const live = before.find((other) => other.told === 'pending' && other.actor.life !== 'dead');
		if (live && !request.excused) world.violate(`two requests in flight for ${value}`);
		const answered = before.find((other) => other.told === 'answered' && other.actor.life !== 'dead');
		if (answered && !request.excused)
			world.violate(`${value} was sent again, although w${answered.actor.slot} had its answer`);
		const open = before.filter(({ told }) => told === 'unknown' || told === 'pending' || told === 'answered');
		if (mayNotBeSent(before) && !request.forced && !request.excused) world.violate(`${value} was sent a third time`);
		if (open.length >= 1 && options.hasLeftover(value))
			world.violate(`${value} was sent again beside its finished successor`);
	}

	/**
	 * Sent once, and once more at once. If the one who sends it again hears that nobody answers, all wait, and it counts anew.
	 * After two deaths in a row, with nobody in between who heard anything, it is not sent any more.
	 */
	function mayNotBeSent(before: readonly Request[]): boolean {
		let deaths = 0;
		let isResend = false;
		let waitFromMs = Number.NEGATIVE_INFINITY;
		for (const { told, toldAtMs = 0, actor } of before) {
			if (told === 'notSent') continue;
			if (told === 'pending' || told === 'answered') deaths++;
			else deaths = 0;
			if (told === 'unknown' && isResend)
				// Who dies between its answer and its note leaves none.
				waitFromMs = actor.life === 'dead' ? Number.NEGATIVE_INFINITY : toldAtMs;
			isResend = deaths > 0 || (told === 'unknown' && !isResend);
		}
		const waitedMs = world.nowMs() - waitFromMs;
		return deaths >= 2 || (waitedMs >= 0 && waitedMs < LEAST_WAIT_MS);
	}

	function answer(token: RefreshToken): RefreshOutcome {
		const { family } = token;
		const inGrace =
			token.usedAtMs !== undefined &&
			world.elapsedMs() - token.usedAtMs < options.graceMs &&
			family.newestUsed <= token.rotation;
		if (token.usedAtMs !== undefined && !inGrace) family.revoked = true;
		if (family.revoked) return { kind: 'rejected', serverError: 'invalid_grant', status: 400 };
		const again = inGrace && options.graceAnswer === 'same' ? token.successor : undefined;
		const credential = issue(family, token.rotation + 1, again);
		token.usedAtMs ??= world.elapsedMs();
		token.successor ??= credential.refreshToken ?? '';
		family.newestUsed = Math.max(family.newestUsed, token.rotation);
		return { kind: 'answered', credential };
	}

	function send(
		actor: Actor,
		credential: OAuthCredential,
		signal: AbortSignal,
		correlationId: string,
	): Promise<RefreshOutcome> {
		const value = credential.refreshToken ?? '';
		const request: Request = {
			actor,
			forced: correlationId.startsWith('force'),
			told: 'pending',
			excused: options.isExcused(actor),
		};
		return new Promise((resolve) => {
			const tell = (outcome: RefreshOutcome): void => {
				if (request.told !== 'pending') return;
				request.told = outcome.kind;
				request.toldAtMs = world.nowMs();
				if (outcome.kind === 'unknown') unknowns++;
				resolve(outcome);
			};
			signal.addEventListener('abort', () => tell({ kind: 'unknown', cause: signal.reason }));
			const deliver = (outcome: RefreshOutcome): void => world.defer(actor, 'send.deliver', () => tell(outcome));
			world.defer(undefined, 'send.arrive', () => {
				if (down) return deliver({ kind: 'notSent', cause: undefined });
				const token = refreshTokens.get(value);
				if (!token) {
					world.violate(`${value} was never issued`);
					return;
				}
				requestCount++;
				if (options.isExcused(actor)) request.excused = true;
				witness(value, token, request);
				token.requests.push(request);
				const fault = faults.shift();
				if (fault === 'status503') return deliver({ kind: 'failed', code: 'transient', status: 503 });
				if (fault === 'lostBefore') return deliver({ kind: 'unknown', cause: undefined });
				world.schedule(undefined, options.delayMs, () =>
					world.defer(undefined, 'send.process', () => {
						const outcome = answer(token);
						if (fault === 'hangs') return;
						if (fault === 'late') world.schedule(undefined, LATE_MS, () => deliver(outcome));
						else deliver(fault === 'lostAfter' ? { kind: 'unknown', cause: undefined } : outcome);
					}),
				);
			});
		});
	}

	return {
		send,
		faults,
		requests: () => requestCount,
		/** Outcomes that the senders could not know, apart from those of senders that were killed. */
		unknowns: () => unknowns,
		/** Whether it was ever down or answered with trouble. */
		troubled: () => troubles > 0,
		trouble(next: AnswerFault) {
			troubles++;
			faults.push(next);
		},
		setDown(next: boolean) {
			if (next) troubles++;
			down = next;
		},
		/** A new family, as a finished sign-in leaves it; its access token has ended already if asked for. */
		signIn(person: Person, expired = false): OAuthCredential {
			const credential = issue({ person, revoked: false, newestUsed: -1 }, 0);
			bySignIn.add(credential.accessToken);
			if (!expired) return credential;
			const nowMs = world.nowMs();
			accessTokens.set(credential.accessToken, {
				family: { person, revoked: false, newestUsed: -1 },
				endsAtMs: world.elapsedMs() - 1,
			});
			return { ...credential, expiresAtMs: nowMs - 1_000, obtainedAtMs: nowMs - 1_000 - TOKEN_LIFE_MS };
		},
		/** Its lease was taken by a declared rule: from now on nothing that it sent or sends is held against anybody. */
		excuse(actor: Actor) {
			for (const token of refreshTokens.values())
				for (const request of token.requests) if (request.actor === actor) request.excused = true;
		},
		/** Whether any account of this person is lost at the server. */
		hasLost: (person: Person) =>
			[...refreshTokens.values()].some(({ family }) => family.person === person && family.revoked),
		/** Whether the successor of this token was given to somebody who lives and should have kept it. */
		wasAnswered: (refreshToken: string) =>
			refreshTokens
				.get(refreshToken)
				?.requests.some(({ told, actor, excused }) => told === 'answered' && actor.life !== 'dead' && !excused) ??
			false,
		isOfSignIn: (accessToken: string) => bySignIn.has(accessToken),
		personOf: (accessToken: string) => accessTokens.get(accessToken)?.family.person,
		endsAtMs: (accessToken: string) => accessTokens.get(accessToken)?.endsAtMs ?? 0,
		works(accessToken: string): boolean {
			const known = accessTokens.get(accessToken);
			return known !== undefined && !known.family.revoked && known.endsAtMs > world.elapsedMs();
		},
		/** Whether the family of this refresh token can still be refreshed with it. */
		isAlive(refreshToken: string): boolean {
			const token = refreshTokens.get(refreshToken);
			return token !== undefined && !token.family.revoked && token.usedAtMs === undefined;
		},
	};
}
