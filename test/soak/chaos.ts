/** Rounds of chaos, some at a time, until there were enough of them or the time is up; and the table about them. */
import { type Round, type RoundOptions, runRound } from './chaosRound.ts';
import { MISHAP_KINDS } from './history.ts';

export type ChaosOptions = Omit<RoundOptions, 'seed'> & {
	/** Of the first round; each next one has the next. */
	readonly seed: number;
	readonly parallel: number;
	/** No round begins when this many have, or after this time. */
	readonly rounds: number;
	readonly forMs: number;
	readonly onRound?: (round: Round) => void;
};

export type Chaos = { readonly rounds: readonly Round[]; readonly violations: number };

export async function runChaos(options: ChaosOptions): Promise<Chaos> {
	const endsAtMs = Date.now() + options.forMs;
	const rounds: Round[] = [];
	let next = 0;

	async function lane(): Promise<void> {
		while (next < options.rounds && Date.now() < endsAtMs && !options.signal?.aborted) {
			const round = await runRound({ ...options, seed: options.seed + next++ });
			rounds.push(round);
			options.onRound?.(round);
		}
	}

	await Promise.all(Array.from({ length: options.parallel }, lane));
	return { rounds, violations: rounds.reduce((sum, { violations }) => sum + violations.length, 0) };
}

/** One line for each violation, with what repeats its round. */
export function violationLines({ seed, server, violations }: Round): string[] {
	return violations.map(({ rule, text }) => `VIOLATION ${rule}, seed ${seed}, ${server} service: ${text}`);
}

export function chaosTable({ rounds, violations }: Chaos): string[] {
	const deeds = rounds.flatMap(({ history }) => history.deeds);
	const ended = new Map<string, number>();
	for (const { order, end } of deeds) {
		const how = end === undefined ? 'killed' : end.result.kind === 'failed' ? end.result.code : 'acknowledged';
		if (how === 'acknowledged') ended.set(order.kind, (ended.get(order.kind) ?? 0) + 1);
	}
	const mishaps = rounds.flatMap(({ history }) => history.mishaps);
	const requests = rounds.flatMap(({ history }) => history.requests);
	const refreshes = requests.filter(({ kind }) => kind === 'refresh');
	const counted = (names: readonly string[], of: (name: string) => number): string =>
		names.map((name) => `${name} ${of(name)}`).join(', ');
	const servers = [...new Set(rounds.map(({ server }) => server))].sort();
	const rows: readonly (readonly [string, string])[] = [
		[
			'rounds',
			`${rounds.length} (${counted(servers, (name) => rounds.filter(({ server }) => server === name).length)})`,
		],
		['orders', `${deeds.length}, acknowledged: ${counted([...ended.keys()].sort(), (name) => ended.get(name) ?? 0)}`],
		['mishaps', counted(MISHAP_KINDS, (name) => mishaps.filter(({ kind }) => kind === name).length)],
		['refresh requests', String(refreshes.length)],
		[
			'sent again with an excuse or not',
			String(
				refreshes.filter(({ refreshTokenState }) => refreshTokenState === 'reused' || refreshTokenState === 'grace')
					.length,
			),
		],
		['violations', String(violations)],
	];
	const width = Math.max(...rows.map(([name]) => name.length));
	return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
}
