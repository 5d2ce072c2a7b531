/** What a running sign-in says, and that each of its links does something. */
import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { describe, it } from 'node:test';
import type { RedirectRefusal } from '../../../src/auth/signIn/redirectAnswer.ts';
import type { SignInStep } from '../../../src/auth/signIn/ui.ts';

registerHooks({
	resolve: (specifier, context, next) =>
		next(specifier === 'vscode' ? new URL('../import/scriptedVscode.ts', import.meta.url).href : specifier, context),
});
const { isStepAction, stepText } = await import('../../../src/views/signIn/signInText.ts');

const url = 'https://acme.test/authorize';

function actionsOf(step: SignInStep): readonly unknown[] {
	const links = [...stepText(step, 7).matchAll(/\(command:agentAuth\.signInStep\?([^ )]+) "[^"]+"\)/g)];
	return links.map(([, query]) => {
		const [number, action]: readonly unknown[] = JSON.parse(decodeURIComponent(query ?? ''));
		assert.equal(number, 7);
		assert.ok(isStepAction(action));
		return action;
	});
}

describe('the notification of a sign-in', () => {
	it('offers the turn to who waits for another window', () => {
		assert.deepEqual(actionsOf({ kind: 'waitingForOtherWindow' }), ['here']);
	});

	const refusals: Readonly<Record<RedirectRefusal, RegExp>> = {
		otherHost: /another host name than 127\.0\.0\.1\. Have that one registered/,
		otherPath: /another address than \/callback\. Set redirectPath/,
		otherAttempt: /earlier attempt/,
		noState: /\(state\)/,
		noAnswer: /paste the address/,
		form: /as a form/,
	};
	for (const [reason, says] of Object.entries(refusals) as [RedirectRefusal, RegExp][]) {
		it(`says what came back and how to go on: ${reason}`, () => {
			const redirectUri = 'http://127.0.0.1:50000/callback';
			const step = { kind: 'browserRefused', flow: 'loopback', url, reason, redirectUri } as const;
			assert.match(stepText(step, 7), says);
			assert.deepEqual(actionsOf(step), ['openAgain', 'copyLink', 'anotherWay']);
		});
	}
});
