/** The ids that code and package.json share; a test compares them both ways. */

export const EXTENSION_ID = 'agent-auth.agent-auth';

export const VIEW_ID = 'agentAuth.accounts';

export const COMMAND_IDS = [
	'agentAuth.signIn',
	'agentAuth.addAccount',
	'agentAuth.signOut',
	'agentAuth.refresh',
	'agentAuth.addProvider',
	'agentAuth.addApiKey',
	'agentAuth.retryVault',
	'agentAuth.showLog',
	'agentAuth.showCoordination',
	/** For other extensions, also in another extension host: takes a `RefusalReport`, answers `RefusalAdvice`. */
	'agentAuth.reportRefusedToken',
	/** What the links in the notification of a running sign-in call. */
	'agentAuth.signInStep',
] as const;

export type CommandId = (typeof COMMAND_IDS)[number];

/** Below the section `agentAuth`. */
export const SETTING_KEYS = ['providers', 'signInFlow', 'earlyRefreshIdleDays', 'terminal.enabled'] as const;

export type SettingKey = (typeof SETTING_KEYS)[number];
