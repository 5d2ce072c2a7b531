/**
 * `npm run soak`: windows as processes of their own share one account with short tokens, while they are killed, stopped and
 * replaced and the server has all the troubles it can have. Prints a table; fails if a refresh token was sent more often
 * than declared or anybody was signed out by the coordination.
 *
 * `--minutes N` (5), `--windows N` (6), `--seed N` (chosen and printed).
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { createTestVault } from '../test/race/vaults.ts';
import { startStrictTokenServer } from '../test/server/strictTokenServer.ts';
import { createSoakAccount, type SoakAccount } from '../test/soak/account.ts';
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

const { values } = parseArgs({
	options: {
		minutes: { type: 'string', default: '5' },
		windows: { type: 'string', default: '6' },
		seed: { type: 'string', default: String(randomInt(2 ** 31)) },
	},
});
process.exitCode = await main(Number(values.minutes), Number(values.windows), Number(values.seed));

async function main(minutes: number, windows: number, seed: number): Promise<number> {
	if (!(minutes > 0 && windows >= 1 && Number.isInteger(seed))) {
		console.error('Usage: npm run soak -- [--minutes N] [--windows N] [--seed N]');
		return 2;
	}
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
