/**
 * The shipped vault, lease and refresher under a scheduler that decides every step. `AGENT_AUTH_MODEL_RUNS=20000 node --test
 * test/unit/model` explores for minutes, from another seed each time; `SEED=` repeats a run, and `AGENT_AUTH_MODEL_TRACE=`
 * says how many of its last steps to show.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { KNOWN_PLANS } from './knownPlans.ts';
import { loadMutant, loadShipped, type Modules } from './modules.ts';
import { mutants } from './mutants.ts';
import { plans } from './plan.ts';
import { takeProcessTime } from './processTime.ts';
import { runPlan } from './run.ts';

const LONG_RUNS = Number(process.env.AGENT_AUTH_MODEL_RUNS ?? 0);
const RUNS = LONG_RUNS || 200;
/** Every `npm test` is alike; a long run looks elsewhere each time. */
const SEED = Number(process.env.SEED ?? (LONG_RUNS ? Math.floor(Math.random() * 2 ** 31) : 1));
/** What each mutant may take; with its seed it takes far less, and has room for when the sources change. */
const MUTANT_RUNS = 1_500;

let giveBack: () => void = () => undefined;
let shipped: Modules;
const escaped: unknown[] = [];
const onEscaped = (error: unknown): void => void escaped.push(error);

before(async () => {
	shipped = await loadShipped();
	giveBack = takeProcessTime();
	process.on('unhandledRejection', onEscaped);
});
after(() => {
	giveBack();
	process.off('unhandledRejection', onEscaped);
});

describe('the coordination of simulated windows', () => {
	it(`keeps every promise in ${RUNS} plans (seed ${SEED})`, async () => {
		const startMs = performance.now();
		let steps = 0;
		let requests = 0;
		await fc.assert(
			fc.asyncProperty(plans, async (plan) => {
				const stats = await runPlan(plan, shipped);
				steps += stats.steps;
				requests += stats.requests;
				assert.deepEqual(escaped.splice(0), [], 'a rejection that nobody handled');
			}),
			{ seed: SEED, numRuns: RUNS, examples: KNOWN_PLANS.map((plan) => [plan]) },
		);
		const perSecond = Math.round((RUNS / (performance.now() - startMs)) * 1_000);
		console.log(`  model: seed ${SEED}, ${RUNS} plans, ${steps} steps, ${requests} refreshes, ${perSecond} plans/s`);
	});

	it('runs the same way twice', async () => {
		for (const plan of fc.sample(plans, { seed: 7, numRuns: 10 })) {
			const [first, second] = [await runPlan(plan, shipped), await runPlan(plan, shipped)];
			assert.deepEqual(first.trace, second.trace);
		}
	});
});

describe('the model finds the bug that', () => {
	const table: string[] = [];
	after(() => console.log(`  killed after\n${table.join('\n')}`));

	for (const { name, seed, mutations } of mutants) {
		it(name, async () => {
			const modules = await loadMutant(mutations);
			const result = await fc.check(
				fc.asyncProperty(plans, async (plan) => {
					await runPlan(plan, modules);
				}),
				{ seed, numRuns: MUTANT_RUNS, endOnFailure: true },
			);
			assert.ok(result.failed, `survived ${MUTANT_RUNS} plans`);
			const said = result.errorInstance instanceof Error ? result.errorInstance.message.split('\n')[0] : '';
			table.push(`  ${String(result.numRuns).padStart(5)} plans  ${name}: ${said}`);
			escaped.splice(0);
		});
	}
});
