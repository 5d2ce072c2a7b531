/**
 * One run of the model: windows with the shipped modules sign in, ask, leave and die as the plan says, and then all is well
 * again. Rejects with everything that did not hold, and the steps that led there.
 */
import assert from 'node:assert/strict';
import { recordName } from '../../../src/auth/vault/sealing.ts';
import type { Modules } from './modules.ts';
import { createMoves } from './moves.ts';
import type { Plan, When } from './plan.ts';
import { useWorld } from './processTime.ts';
import { createScene } from './scene.ts';
import type { Person } from './tokenServer.ts';
import { PROVIDER } from './window.ts';
import { createWorld, type Step, type World } from './world.ts';

export type RunStats = { readonly steps: number; readonly requests: number; readonly trace: readonly string[] };

/** Longer than anybody waits: then something is stuck. */
const SETTLED_WITHIN_MS = 400_000;
/** No run needs more; one that does goes in circles. */
const MAX_STEPS = 60_000;
/** Longer than any token lives and any back-off lasts. */
const NIGHT_MS = 3_700_000;

export async function runPlan(plan: Plan, modules: Modules): Promise<RunStats> {
	const world = createWorld();
	useWorld(world);
	try {
		return await play(plan, modules, world);
	} finally {
		for (const actor of world.actors) world.kill(actor, false);
		useWorld(undefined);
	}
}

async function play(plan: Plan, modules: Modules, world: World): Promise<RunStats> {
	const scene = createScene(plan, modules, world);
	const { windows, server, invariants, seen, hung, current, lastToken } = scene;
	const apply = createMoves(plan, scene, world);

	function check(): void {
		if (world.violations.length > 0) throw new Error(world.violations.join('\n'));
		if (world.stepCount() > MAX_STEPS) throw new Error('it goes on for ever');
	}

	async function settle(): Promise<void> {
		const startedMs = world.elapsedMs();
		while (scene.unanswered()) {
			const step = world.next();
			if (!step || world.elapsedMs() - startedMs > SETTLED_WITHIN_MS)
				throw new Error(`w${scene.unanswered()?.actor.slot} ${scene.unanswered()?.what} never came to an end`);
			await world.run(step);
			check();
		}
	}

	async function pass(ms: number): Promise<void> {
		const untilMs = world.elapsedMs() + ms;
		for (let step = world.next(); step && world.elapsedMs() < untilMs; step = world.next()) {
			await world.run(step);
			check();
		}
	}

	/** Everybody signed in, every key delivered, every watch proved: an ordinary morning. */
	async function begin(): Promise<void> {
		for (let slot = 0; slot < plan.windows; slot++) await scene.start(slot);
		const [first] = windows;
		assert.ok(first);
		await scene.signIn(first, 'ada', true);
		await settle();
		await scene.signIn(first, 'bob', true);
		await settle();
		await pass(1_500);
	}

	async function explore(): Promise<void> {
		world.configure(plan);
		for (const window of windows) await scene.ask(window, 'ada', 'ask');
		let [armed, ...later] = plan.moves;
		let steps = 0;
		let times = 0;
		const fire = async (step: Step | undefined): Promise<void> => {
			if (!armed) return;
			const move = armed;
			[armed, ...later] = later;
			steps = 0;
			times = 0;
			await apply(move, step);
			check();
		};
		const strikes = (when: When, step: Step, side: 'before' | 'after'): boolean => {
			if ('steps' in when) return side === 'before' && steps++ >= when.steps;
			return when.side === side && when.place === step.label && times++ >= when.nth;
		};
		const startedMs = world.elapsedMs();
		while (armed || scene.unanswered()) {
			// What nobody waits for does not come any more.
			if (!scene.unanswered()) {
				await fire(undefined);
				continue;
			}
			const step = world.next();
			if (!step || world.elapsedMs() - startedMs > SETTLED_WITHIN_MS * 40)
				throw new Error(`w${scene.unanswered()?.actor.slot} ${scene.unanswered()?.what} never came to an end`);
			if (armed && strikes(armed.when, step, 'before')) {
				await fire(step);
				continue;
			}
			await world.run(step);
			check();
			if (armed && strikes(armed.when, step, 'after')) await fire(step);
		}
	}

	/** All is well again, and a night passes: whoever is left must be served, unless the account was lost for a reason. */
	async function end(): Promise<void> {
		world.configure({ choices: [], paceMs: 0 });
		server.setDown(false);
		server.faults.length = 0;
		for (const { actor, secrets } of windows) {
			if (actor.life === 'stopped') actor.life = 'running';
			secrets.trouble = undefined;
		}
		await settle();
		await pass(5_000);
		if (windows.every(({ actor }) => actor.life === 'dead')) await scene.start(0);
		scene.beginEnd();
		for (let night = 0; night < 2; night++) {
			scene.sleep(NIGHT_MS);
			for (const person of ['ada', 'bob'] as const) await endFor(person, night);
		}
	}

	async function endFor(person: Person, night: number): Promise<void> {
		const bucket = current.get(person);
		if (!bucket) return;
		const content = invariants.newest(recordName({ providerId: PROVIDER.id, bucketId: bucket.id }));
		const refreshToken =
			content?.kind === 'credential' && content.credential.kind === 'oauth'
				? content.credential.refreshToken
				: undefined;
		const alive = refreshToken !== undefined && server.isAlive(refreshToken);
		if (!alive && refreshToken !== undefined && server.wasAnswered(refreshToken))
			world.violate(`${person}: an answer that arrived was thrown away`);
		const survivors = windows.filter(({ actor }) => actor.life === 'running' && !hung.has(actor));
		const before = lastToken.get(person);
		for (const window of survivors) await scene.ask(window, person, 'ask');
		await settle();
		if (!alive || survivors.length === 0 || bucket.leaving) return;
		// Two holders in a row died: the person may still insist.
		if (lastToken.get(person) === before && scene.disruptions() >= 2 && night === 0) {
			const [first] = survivors;
			if (first) await scene.ask(first, person, 'force');
			await settle();
		}
		// By a clock that was set back it looks alive; then the service refuses it, and whoever was refused says so.
		if (seen.jumps > 0 && !server.works(lastToken.get(person) ?? '')) {
			const [first] = survivors;
			if (first) await scene.ask(first, person, 'refused');
			await settle();
		}
		if (!server.works(lastToken.get(person) ?? '')) world.violate(`${person} has no token, although the account lives`);
		check();
	}

	try {
		await begin();
		await explore();
		await end();
	} catch (error) {
		const text = error instanceof Error ? error.message : String(error);
		const tail = world.trace.slice(-Number(process.env.AGENT_AUTH_MODEL_TRACE ?? 60));
		throw new Error(`${text}\n--- the last steps\n${tail.join('\n')}`, { cause: error });
	}
	return { steps: world.stepCount(), requests: server.requests(), trace: world.trace };
}
