/**
 * `npm run soak`: chaos. Windows as processes of their own do everything that people do, over strict and graceful services,
 * while they are killed and stopped, the disk is full or read-only, old copies come back and answers are lost; a checker that
 * knows what was acknowledged judges each round. Prints a table; fails at the first violation that nothing excuses.
 *
 * `--seconds N` (60) or `--rounds N`, `--parallel N` (2), `--windows N` (3), `--seed N` (chosen and printed).
 *
 * `npm run soak -- --weather`: one account with short tokens in bad weather for minutes, with the times until all have a new
 * token. `--minutes N` (5), `--windows N` (6), `--seed N`.
 */
import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { createTestVault } from '../test/race/vaults.ts';
import { startStrictTokenServer } from '../test/server/strictTokenServer.ts';
import { createSoakAccount, type SoakAccount } from '../test/soak/account.ts';
import { chaosTable, runChaos, violationLines } from '../test/soak/chaos.ts';
import { createDice } from '../test/soak/dice.ts';
import { createFleet } from '../test/soak/fleet.ts';
import { createReport } from '../test/soak/report.ts';
import { createWeather } from '../test/soak/weather.ts';
import { withProgress } from './progress.ts';

const ACCESS_TOKEN_LIFE_S = 5;
/** Longer than all troubles and stops together that can come between a sending and its resend. */
const GRACE_MS = 120_000;
const LATENCY_MS = 120;
const MINUTE_MS = 60_000;

const SIGNED_OUT: ReadonlySet<string> = new Set(['invalid_grant', 'unknown_outcome', 'unavailable', 'no_account']);

/** How long a round goes on before the calm. */
const ROUND_MS = 4_000;

const { values } = parseArgs({
	options: {
		seconds: { type: 'string', default: '60' },
		rounds: { type: 'string' },
		parallel: { type: 'string', default: String(Math.min(2, availableParallelism())) },
		weather: { type: 'boolean', default: false },
		minutes: { type: 'string', default: '5' },
		windows: { type: 'string' },
		seed: { type: 'string', default: String(randomInt(2 ** 31)) },
	},
});
const [seed, minutes, seconds] = [Number(values.seed), Number(values.minutes), Number(values.seconds)];
const [rounds, parallel] = [Number(values.rounds ?? Number.POSITIVE_INFINITY), Number(values.parallel)];
const windows = Number(values.windows ?? (values.weather ? 6 : 3));
const isUsable = minutes > 0 && seconds > 0 && rounds > 0 && parallel >= 1 && windows >= 1 && Number.isInteger(seed);
if (!isUsable) {
	console.error('Usage: npm run soak -- [--seconds N | --rounds N] [--parallel N] [--windows N] [--seed N]');
	console.error('       npm run soak -- --weather [--minutes N] [--windows N] [--seed N]');
	process.exitCode = 2;
} else process.exitCode = await (values.weather ? weatherSoak() : chaosSoak());

async function chaosSoak(): Promise<number> {
	console.log(`soak: chaos, ${windows} windows, ${parallel} rounds at a time, seed ${seed}`);
	const end = new AbortController();
	for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end.abort());
	const chaos = await withProgress('chaos', () =>
		runChaos({
			...{ seed, parallel, windows, rounds, restores: true, lastsMs: ROUND_MS, signal: end.signal },
			forMs: values.rounds === undefined ? seconds * 1_000 : Number.POSITIVE_INFINITY,
			onRound: (round) => violationLines(round).forEach((line) => void console.log(line)),
		}),
	);
	for (const line of chaosTable(chaos)) console.log(line);
	const passed = chaos.violations === 0 && chaos.rounds.length > 0;
	console.log(passed ? 'soak passed' : `soak FAILED (--seed ${seed})`);
	return passed ? 0 : 1;
}

async function weatherSoak(): Promise<number> {
	console.log(`soak: ${minutes} minutes, ${windows} windows, tokens of ${ACCESS_TOKEN_LIFE_S} s, seed ${seed}`);
	const undo: (() => Promise<void>)[] = [];
	const end = new AbortController();
	for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end.abort());
	try {
		const server = await startStrictTokenServer({ accessTokenLifeS: ACCESS_TOKEN_LIFE_S, gracePeriodMs: GRACE_MS });
		undo.push(() => server.close());
		// A server far away: time to be killed in, before it acts and after.
		server.fault({ on: 'refresh', delayBeforeMs: LATENCY_MS / 2, delayAfterMs: LATENCY_MS / 2 });
		const vault = await createTestVault({ after: (work) => void undo.push(work) }, server);
		const dice = createDice(seed);
		const weather = createWeather(server, dice);
		let account: SoakAccount | undefined;
		const fleet = createFleet({
			vault,
			windows,
			dice,
			async onAnswer({ answer }) {
				if (answer.kind === 'failed' && SIGNED_OUT.has(answer.code)) await account?.refused(answer.code);
			},
		});
		account = createSoakAccount(server, vault, () => fleet.kills);
		const timer = setTimeout(() => end.abort(), minutes * MINUTE_MS);
		await withProgress('soak', () => Promise.all([fleet.run(end.signal), weather.run(end.signal)]));
		clearTimeout(timer);
		const report = createReport({ server, fleet, weather, account, accessTokenLifeMs: ACCESS_TOKEN_LIFE_S * 1_000 });
		for (const { code, reason, atMs, events } of account.signOuts) {
			console.log(`  signed out at ${new Date(atMs).toISOString()}: ${code}, ${reason ?? 'by the coordination'}`);
			for (const event of events) console.log(`    ${event}`);
		}
		for (const line of report.lines) console.log(line);
		console.log(report.passed ? 'soak passed' : `soak FAILED (--seed ${seed})`);
		return report.passed ? 0 : 1;
	} finally {
		for (const work of undo.reverse()) await work();
	}
}
