/** What the person picks while a sign-in runs: open the browser again, sign in another way, cancel. */

import type { Logger } from '../log.ts';
import { describeError } from '../log.ts';
import type { FlowKind, SignInSession } from './ui.ts';

/** The part of a sign-in in which one flow runs. */
export type Turn = {
	/** Aborts when the person has picked another flow. */
	readonly signal: AbortSignal;
	/** The picked flow, once there is one. */
	next(): FlowKind | undefined;
	openBrowser(url: string): Promise<boolean>;
	exchanging(): void;
	picking(): Promise<void> | undefined;
	end(): void;
};

export type Switchboard = { begin(current: FlowKind, available: readonly FlowKind[]): Turn; dispose(): void };

export function createSwitchboard(session: SignInSession, log: Logger, cancel: () => void): Switchboard {
	let turn: { openAgain(): void; anotherWay(): void } | undefined;
	const choices = session.onChoice((choice) => {
		if (choice === 'cancel') cancel();
		else if (choice === 'openAgain') turn?.openAgain();
		else if (choice === 'anotherWay') turn?.anotherWay();
	});

	const open = async (url: string): Promise<boolean> => {
		try {
			return await session.openBrowser(url);
		} catch (error) {
			// The link can still be copied.
			log.warn(`browser not opened: ${describeError(error)}`);
			return false;
		}
	};

	return {
		begin(current, available) {
			const change = new AbortController();
			const others = available.filter((kind) => kind !== current);
			let address: string | undefined;
			let phase: 'flow' | 'exchange' | 'ended' = 'flow';
			let picked: FlowKind | undefined;
			let dialog: Promise<void> | undefined;
			const pick = async (): Promise<void> => {
				try {
					const choice = await session.pickFlow(others, current);
					if (choice === undefined || choice === current || phase !== 'flow') return;
					picked = choice;
					change.abort();
				} catch (error) {
					log.warn(`choice of another way failed: ${describeError(error)}`);
				} finally {
					dialog = undefined;
				}
			};
			turn = {
				openAgain: () => void (address !== undefined && open(address)),
				anotherWay() {
					if (phase === 'flow' && dialog === undefined && others.length > 0) dialog = pick();
				},
			};
			return {
				signal: change.signal,
				next: () => picked,
				openBrowser(url) {
					address = url;
					return open(url);
				},
				exchanging() {
					phase = 'exchange';
					session.report({ kind: 'exchanging' });
				},
				picking: () => dialog,
				end() {
					phase = 'ended';
					turn = undefined;
				},
			};
		},
		dispose() {
			turn = undefined;
			choices.dispose();
		},
	};
}
