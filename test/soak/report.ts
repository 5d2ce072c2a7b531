/** The table at the end of a soak, and whether it was passed. */
import type { StrictTokenServer } from '../server/strictTokenServer.ts';
import { declaredResends, type SoakAccount, undeclaredSendings } from './account.ts';
import type { Asked, Fleet } from './fleet.ts';
import type { Weather } from './weather.ts';

export type SoakReport = { readonly lines: readonly string[]; readonly passed: boolean };

export type SoakParts = {
	readonly server: StrictTokenServer;
	readonly fleet: Fleet;
	readonly weather: Weather;
	readonly account: SoakAccount;
	readonly accessTokenLifeMs: number;
};

/** A holder writes, waiters read: a token may be as old as its life and a little. */
const HANDING_OVER_MS = 250;

type Token = Asked & { readonly answer: Extract<Asked['answer'], { kind: 'token' }> };

const isToken = (asked: Asked): asked is Token => asked.answer.kind === 'token';

export function createReport({ server, fleet, weather, account, accessTokenLifeMs }: SoakParts): SoakReport {
	const served = fleet.asked.filter(isToken);
	const answers = server.log.filter(
		({ kind, issuedAccessTokenDigest }) => kind === 'refresh' && issuedAccessTokenDigest,
	);
	const issuedAtMs = new Map(answers.map((record) => [record.issuedAccessTokenDigest ?? '', record.doneAtMs ?? 0]));

	const expired = served.filter(({ answer, stopped }) => {
		const atMs = issuedAtMs.get(answer.digests[0] ?? '');
		return !stopped && atMs !== undefined && answer.atMs - atMs > accessTokenLifeMs + HANDING_OVER_MS;
	}).length;

	/** Everybody who was waiting when the server answered. */
	const adoptionMs = served.flatMap(({ fromMs, answer, stopped }) => {
		const atMs = issuedAtMs.get(answer.digests[0] ?? '');
		return stopped || atMs === undefined || fromMs > atMs || answer.unsaved ? [] : [answer.atMs - atMs];
	});
	/** Who waited when a holder was killed, until each of them had a token. Bad weather counts as well. */
	const afterKillMs = fleet.kills
		.filter(({ heldLease }) => heldLease)
		.flatMap(({ atMs }) =>
			served
				.filter(({ fromMs, answer, stopped }) => !stopped && fromMs < atMs && answer.atMs > atMs)
				.map(({ answer }) => answer.atMs - atMs),
		);

	const failures = new Map<string, number>();
	for (const { answer } of fleet.asked)
		if (answer.kind === 'failed') failures.set(answer.code, (failures.get(answer.code) ?? 0) + 1);

	const reuses = server.reuses();
	const undeclared = undeclaredSendings(server, fleet.kills);
	const byCoordination = account.signOuts.filter(({ reason }) => reason === undefined);
	const holders = fleet.kills.filter(({ heldLease }) => heldLease).length;
	const rows: readonly (readonly [string, string])[] = [
		['expiries', String(new Set(answers.map(({ refreshTokenDigest }) => refreshTokenDigest)).size)],
		['refresh requests', `${server.refreshRequests()} (${answers.length} that the server answered with a token)`],
		['declared resends', String(declaredResends(server))],
		['sendings beyond the declared ones', String(undeclared)],
		['reuses at the server', `${reuses} (in the grace period: ${server.graceReuses()})`],
		['sign-outs by the coordination', listed(byCoordination.map(({ code }) => code))],
		['sign-outs after two deaths in a row', String(account.signOuts.length - byCoordination.length)],
		['requests served', `${served.length} (expired tokens among them: ${expired})`],
		['requests failed', listed([...failures].map(([code, count]) => `${code} ${count}`))],
		['windows killed', `${fleet.kills.length} (${holders} with the lease)`],
		['windows stopped', String(fleet.stops())],
		['troubles', listed([...weather.seen].map(([name, count]) => `${name} ${count}`))],
		['time to adopt, ms', quantiles(adoptionMs)],
		['time to a token after a kill, ms', quantiles(afterKillMs)],
	];
	const width = Math.max(...rows.map(([name]) => name.length));
	return {
		lines: rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`),
		passed: reuses === 0 && undeclared === 0 && byCoordination.length === 0 && expired === 0 && served.length > 0,
	};
}

function listed(things: readonly string[]): string {
	return things.length === 0 ? '0' : things.join(', ');
}

function quantiles(values: readonly number[]): string {
	const sorted = [...values].sort((a, b) => a - b);
	const at = (share: number): number | undefined =>
		sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
	return `p50 ${at(0.5) ?? '-'}, p95 ${at(0.95) ?? '-'}, max ${at(1) ?? '-'} (${sorted.length})`;
}
