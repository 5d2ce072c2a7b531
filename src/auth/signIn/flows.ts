/** The ways to sign in, what each needs, and in which order they are tried and offered. */
import type { FlowKind } from './ui.ts';

export type FlowSetting = 'auto' | FlowKind;

/** What is known about the service and this window. */
export type FlowCapabilities = {
	readonly authorizationEndpoint: boolean;
	readonly deviceEndpoint: boolean;
	/** The browser that opens reaches 127.0.0.1 of this extension host. */
	readonly browserOnThisMachine: boolean;
};

/** Best first. */
const FLOWS: readonly { readonly kind: FlowKind; isPossible(capabilities: FlowCapabilities): boolean }[] = [
	{ kind: 'loopback', isPossible: (can) => can.authorizationEndpoint && can.browserOnThisMachine },
	{ kind: 'device', isPossible: (can) => can.deviceEndpoint },
	{ kind: 'paste', isPossible: (can) => can.authorizationEndpoint },
];

/**
 * Possible flows in order. A flow named by the setting comes first if the service has it; the others stay available as
 * "another way". A person who names the loopback knows of a tunnel, so the machine is not asked.
 */
export function orderFlows(setting: FlowSetting, capabilities: FlowCapabilities): readonly FlowKind[] {
	const can = setting === 'loopback' ? { ...capabilities, browserOnThisMachine: true } : capabilities;
	const possible = FLOWS.filter((flow) => flow.isPossible(can)).map(({ kind }) => kind);
	return possible.filter((kind) => kind === setting).concat(possible.filter((kind) => kind !== setting));
}
