/** What a move of the plan does to the windows, the server and the clock. */
import assert from 'node:assert/strict';
import type { Move, Plan } from './plan.ts';
import type { Scene } from './scene.ts';
import { TOKEN_LIFE_MS } from './tokenServer.ts';
import type { Step, World } from './world.ts';

/** @param step that at which the move strikes; none if everybody was waiting. */
export type ApplyMove = (move: Move, step: Step | undefined) => Promise<void>;

export function createMoves(plan: Plan, scene: Scene, world: World): ApplyMove {
	const { windows, server, seen, hung } = scene;
	let lastStruck = 0;

	return async ({ who, what }, step) => {
		const self = step?.actor?.slot ?? 0;
		const slot = who === 'self' ? self : who === 'last' ? lastStruck : who % plan.windows;
		const window = windows[slot];
		assert.ok(window);
		const { actor } = window;
		world.trace.push(`  -> ${what.kind} w${slot} ${JSON.stringify(what)}`);
		switch (what.kind) {
			case 'ask':
			case 'force':
			case 'refused':
				return scene.ask(window, what.person, what.kind);
			case 'signIn':
				return scene.signIn(window, what.person);
			case 'signOut':
				return scene.signOut(window, what.person);
			case 'kill':
				if (actor.life === 'dead') return;
				seen.kills++;
				lastStruck = slot;
				return world.kill(actor, what.completes);
			case 'stop':
				if (actor.life !== 'running') return;
				seen.stops++;
				lastStruck = slot;
				actor.life = 'stopped';
				return;
			case 'continue':
				if (actor.life === 'stopped') actor.life = 'running';
				return;
			case 'start':
				return actor.life === 'dead' ? scene.start(slot, what.samePid ? actor.pid : undefined) : undefined;
			case 'outage':
			case 'recovery':
				return server.setDown(what.kind === 'outage');
			case 'answer':
				if (what.fault === 'hangs' || what.fault === 'late') seen.slow++;
				return server.trouble(what.fault);
			case 'secrets':
				if (what.trouble !== 'none') seen.secrets++;
				if (what.trouble === 'hangs') hung.add(actor);
				window.secrets.trouble = what.trouble === 'none' ? undefined : { kind: what.trouble };
				return;
			case 'sleep':
				seen.sleeps++;
				if (what.ms > TOKEN_LIFE_MS) seen.nights++;
				return scene.sleep(what.ms);
			case 'jump':
				seen.jumps++;
				return world.jump(what.ms);
		}
	};
}
