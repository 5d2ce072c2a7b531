/**
 * `npm run bench`: everything that is compared, in one run, and the page `docs/performance.md` made of it.
 *
 * `--only storm,dead,hot,activation,helper,idle` measures these parts and keeps the others as they were; `--quick` takes few
 * rounds. Ends with status 1 if a part could not be measured.
 */
import { parseArgs } from 'node:util';
import { activation } from './activation.ts';
import { dead } from './dead.ts';
import { helper } from './helper.ts';
import { hot } from './hot.ts';
import { idle } from './idle.ts';
import { describeMachine } from './machine.ts';
import { writePage } from './page.ts';
import type { Part } from './part.ts';
import { fetchPeers } from './peers.ts';
import { loadResults, PARTS, type PartName, type PartResult, saveResults } from './results.ts';
import { storm } from './storm.ts';

const parts: Readonly<Record<PartName, Part>> = { storm, dead, hot, activation, helper, idle };

const { values } = parseArgs({
	options: { only: { type: 'string' }, quick: { type: 'boolean', default: false } },
});
process.exitCode = await main(values.only, values.quick);

async function main(only: string | undefined, quick: boolean): Promise<number> {
	const wanted = (only ?? PARTS.join(',')).split(',');
	const unknown = wanted.filter((name) => !PARTS.some((part) => part === name));
	if (unknown.length > 0) {
		console.error(`bench: no part is called ${unknown.join(', ')}. There are ${PARTS.join(', ')}.`);
		return 2;
	}
	const peers = await fetchPeers();
	const results = await loadResults();
	let failed = 0;
	for (const name of PARTS.filter((part) => wanted.includes(part))) {
		console.log(`bench: ${name}`);
		const machine = describeMachine();
		const startedMs = performance.now();
		let result: PartResult;
		try {
			result = await parts[name]({ peers, quick });
		} catch (error) {
			failed++;
			const reason = error instanceof Error ? error.message : String(error);
			console.error(`bench: ${name} failed: ${error instanceof Error ? error.stack : reason}`);
			result = { headlines: [], tables: [], charts: [], missing: [`the whole part: ${reason.slice(0, 300)}`] };
		}
		const tookS = Math.round((performance.now() - startedMs) / 1000);
		results[name] = { ...result, machine, atIso: new Date().toISOString(), quick, tookS };
		for (const { text, good } of result.headlines)
			console.log(`  ${good === undefined ? ' ' : good ? '✓' : '✗'} ${text}`);
		for (const line of result.missing) console.log(`  not measured: ${line}`);
		// After each part: a run that is stopped keeps what it has.
		await saveResults(results);
		await writePage(results, peers);
	}
	console.log('bench: docs/performance.md is written');
	return failed > 0 ? 1 : 0;
}
