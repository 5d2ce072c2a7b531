import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FlowSetting } from '../../../src/auth/signIn/flows.ts';
import { orderFlows } from '../../../src/auth/signIn/flows.ts';

describe('the order of the ways to sign in', () => {
	/** Setting; authorization endpoint, device endpoint, browser on this machine; flows in order. */
	const table: readonly [setting: FlowSetting, capabilities: string, expected: string][] = [
		['auto', 'code device here', 'loopback device paste'],
		['auto', 'code device', 'device paste'],
		['auto', 'code here', 'loopback paste'],
		['auto', 'code', 'paste'],
		['auto', 'device here', 'device'],
		['auto', 'device', 'device'],
		['auto', 'here', ''],
		['auto', '', ''],
		['device', 'code device here', 'device loopback paste'],
		['device', 'code device', 'device paste'],
		['device', 'code here', 'loopback paste'],
		['paste', 'code device here', 'paste loopback device'],
		['paste', 'code', 'paste'],
		['paste', 'device', 'device'],
		['loopback', 'code device here', 'loopback device paste'],
		['loopback', 'code device', 'loopback device paste'],
		['loopback', 'device', 'device'],
	];
	for (const [setting, capabilities, expected] of table) {
		it(`${setting} with ${capabilities || 'nothing'}: ${expected || 'none'}`, () => {
			const has = new Set(capabilities.split(' '));
			const flows = orderFlows(setting, {
				authorizationEndpoint: has.has('code'),
				deviceEndpoint: has.has('device'),
				browserOnThisMachine: has.has('here'),
			});
			assert.equal(flows.join(' '), expected);
		});
	}
});
