/** The one account of a soak: notices when it is signed out, finds out by whose doing, and signs it in again. */
import { digest } from '../../src/auth/log.ts';
import type { TestVault } from '../race/vaults.ts';
import type { StrictTokenServer } from '../server/strictTokenServer.ts';
import type { Kill } from './fleet.ts';

export type SignOut = {
	readonly atMs: number;
	readonly code: string;
	/** Why it was bound to happen; undefined if it was the coordination's fault. */
	readonly reason: string | undefined;
	/** What happened with the refresh token that was lost, oldest first. */
	readonly events: readonly string[];
};

export type SoakAccount = {
	/** Who was refused a token reports it here; the first report of a generation counts. */
	refused(code: string): Promise<void>;
	readonly signOuts: readonly SignOut[];
};

/**
 * As the design has it: a refresh token is sent, and once more at once after an unknown outcome. If the sender of that lives and
 * hears nothing, all wait, and it counts anew. Two senders in a row that died are all it takes to send it no more.
 */
const DECLARED_DEATHS = 2;
/** The first step of the back-off, with its jitter. */
const LEAST_WAIT_MS = 800;

/** Requests with this refresh token whose outcome its sender cannot have known, or that succeeded. */
function openSendings(server: StrictTokenServer, refreshTokenDigest: string): StrictTokenServer['log'] {
	return server.log.filter(
		(record) =>
			record.refreshTokenDigest === refreshTokenDigest &&
			(record.status === undefined || record.delivered === false || record.status === 200),
	);
}

/** Sendings of any refresh token beyond the declared ones. Must be 0. */
export function undeclaredSendings(server: StrictTokenServer, kills: readonly Kill[]): number {
	const endOf = new Map(kills.map((kill) => [`pid${kill.pid}`, kill]));
	let undeclared = 0;
	for (const sent of server.resent().keys()) {
		let deaths = 0;
		let isResend = false;
		let waitFromMs = 0;
		const sendings = openSendings(server, sent);
		for (const [index, { atMs, doneAtMs, requestHeaders }] of sendings.entries()) {
			if (deaths >= DECLARED_DEATHS || atMs - waitFromMs < LEAST_WAIT_MS) undeclared++;
			const sender = requestHeaders['x-request-id'] ?? '';
			const next = sendings[index + 1];
			const end = endOf.get(sender);
			// Who sent it again itself, or let others send it while it lived, had heard that the answer was lost.
			const goesOn = next?.requestHeaders['x-request-id'] === sender;
			const died = end !== undefined && !goesOn && end.atMs <= (next?.atMs ?? Number.POSITIVE_INFINITY);
			deaths = died && end.heldLease ? deaths + 1 : 0;
			// Who dies between its answer and its note leaves none.
			if (!died && isResend) waitFromMs = doneAtMs ?? atMs;
			isResend = deaths > 0 || !isResend;
		}
	}
	return undeclared;
}

/** Refresh tokens that were sent again after an outcome that nobody knew. */
export function declaredResends(server: StrictTokenServer): number {
	return [...server.resent().keys()].filter((sent) => openSendings(server, sent).length > 1).length;
}

export function createSoakAccount(
	server: StrictTokenServer,
	vault: TestVault,
	kills: () => readonly Kill[],
): SoakAccount {
	const signOuts: SignOut[] = [];
	const handled = new Set<number>();
	let newestAtMs = Date.now();
	let newest = 1;

	async function signInAgain(generation: number): Promise<void> {
		const seed = server.seed();
		const nowMs = Date.now();
		await vault.shelf.vault.write(vault.ref, generation, {
			...vault.credential,
			accessToken: seed.accessToken,
			refreshToken: seed.refreshToken,
			obtainedAtMs: nowMs,
			expiresAtMs: nowMs + seed.expiresIn * 1_000,
		});
	}

	return {
		signOuts,
		async refused(code) {
			const reading = await vault.shelf.vault.read(vault.ref);
			if (reading.generation > newest) [newest, newestAtMs] = [reading.generation, Date.now()];
			if (handled.has(reading.generation)) return;
			if (reading.kind === 'credential') {
				// Somebody has signed in again since: the report is about the one before.
				const { expiresAtMs = 0 } = reading.credential.kind === 'oauth' ? reading.credential : {};
				if (expiresAtMs > Date.now()) return;
			}
			handled.add(reading.generation);
			const sent =
				reading.kind === 'credential' && reading.credential.kind === 'oauth'
					? digest(reading.credential.refreshToken ?? '')
					: '';
			const requests = server.log.filter((record) => record.refreshTokenDigest === sent);
			const lost = requests.filter((record) => record.status === undefined || record.delivered === false).length;
			const firstAtMs = requests[0]?.atMs ?? newestAtMs;
			const deaths = kills().filter(({ atMs, heldLease }) => heldLease && atMs >= firstAtMs - 1_000).length;
			const isDeclared = code === 'unknown_outcome' && deaths >= DECLARED_DEATHS;
			const reason = isDeclared
				? `two holders in a row died with it (${deaths} deaths, ${lost} lost answers)`
				: undefined;
			const events = [
				...requests.map(({ atMs, status, delivered, refreshTokenState, requestHeaders }) => ({
					atMs,
					text: `${requestHeaders['x-request-id']} sent it: ${refreshTokenState ?? 'not processed'}, ${status ?? 'no answer'}${delivered === false ? ', lost' : ''}`,
				})),
				...kills()
					.filter(({ atMs }) => atMs >= firstAtMs - 1_000)
					.map(({ atMs, pid, heldLease }) => ({ atMs, text: `pid${pid} killed${heldLease ? ' with the lease' : ''}` })),
			]
				.sort((a, b) => a.atMs - b.atMs)
				.map(({ atMs, text }) => `${new Date(atMs).toISOString().slice(11, 23)} ${text}`);
			signOuts.push({ atMs: Date.now(), code, reason, events });
			await signInAgain(reading.generation);
		},
	};
}
