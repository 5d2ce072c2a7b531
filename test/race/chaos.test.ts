/**
 * Everything at once: what was acknowledged holds, and nobody is signed out, whatever happens to windows, disk and service.
 * `npm run soak` is the same for longer. AGENT_AUTH_SOAK_SEED repeats the rounds, AGENT_AUTH_SOAK_MS makes them go on.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, it } from 'node:test';
import { chaosTable, runChaos, violationLines } from '../soak/chaos.ts';
import { runRound } from '../soak/chaosRound.ts';
import type { Rule } from '../soak/checker.ts';
import type { Defect } from '../soak/orders.ts';

const seed = Number(process.env.AGENT_AUTH_SOAK_SEED ?? randomInt(2 ** 31));
const FOR_MS = Number(process.env.AGENT_AUTH_SOAK_MS ?? 50_000);

describe('in chaos', () => {
	it(`nothing that was acknowledged is lost (AGENT_AUTH_SOAK_SEED=${seed})`, async () => {
		const chaos = await runChaos({
			...{ seed, parallel: 2, rounds: Number.POSITIVE_INFINITY, forMs: FOR_MS, lastsMs: 4_000, restores: false },
		});
		console.log(['', `  soak: seed ${seed}`, ...chaosTable(chaos)].join('\n'));
		assert.deepEqual(chaos.rounds.flatMap(violationLines), []);
		assert.ok(chaos.rounds.length > 0);
	});

	const planted: readonly (readonly [Defect, Rule])[] = [
		['leaseForAll', 'resent'],
		['forgetfulDisk', 'notHealed'],
		['zombieAccount', 'zombie'],
	];
	for (const [defect, rule] of planted)
		it(`a product with the defect ${defect} is found out`, async () => {
			// One round may happen not to show it.
			for (let round = 1; round <= 5; round++) {
				const { violations } = await runRound({ seed: seed + round, lastsMs: 2_000, defect, restores: false });
				if (violations.some((violation) => violation.rule === rule)) return;
			}
			assert.fail(`5 rounds with ${defect} from seed ${seed} on, and no violation of the rule ${rule}`);
		});
});
