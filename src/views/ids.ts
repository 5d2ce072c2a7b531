/** The ids that code and package.json share; a test compares them both ways. */

export const EXTENSION_ID = 'agent-auth.agent-auth';

export const VIEW_ID = 'agentAuth.accounts';

export const ACCESS_VIEW_ID = 'agentAuth.access';

export const WALKTHROUGH_ID = 'start';

export const COMMAND_IDS = [
	'agentAuth.signIn',
	'agentAuth.addAccount',
	'agentAuth.signOut',
	'agentAuth.refresh',
	'agentAuth.addProvider',
	'agentAuth.addApiKey',
	'agentAuth.importKeys',
	'agentAuth.retryVault',
	'agentAuth.showLog',
	'agentAuth.showCoordination',
	'agentAuth.doctor',
	'agentAuth.copyDiagnostics',
	'agentAuth.openWalkthrough',
	'agentAuth.revokeAccess',
	'agentAuth.manageTrustedExtensions',
	/** For other extensions, also in another extension host: takes a `Report`, answers `Advice` (see `api/`). */
	'agentAuth.report',
	'agentAuth.renameBucket',
	'agentAuth.moveUp',
	'agentAuth.moveDown',
	'agentAuth.enableBucket',
	'agentAuth.disableBucket',
	'agentAuth.describeBucket',
	'agentAuth.includeInAutomatic',
	'agentAuth.excludeFromAutomatic',
	'agentAuth.endCooldown',
	'agentAuth.decideCrossing',
	'agentAuth.addReference',
	'agentAuth.bindWorkspace',
	'agentAuth.unbindWorkspace',
	'agentAuth.newTokenTerminal',
	'agentAuth.connectTool',
	'agentAuth.disconnectTool',
	'agentAuth.removeAllData',
	/** What the links in the notification of a running sign-in call. */
	'agentAuth.signInStep',
] as const;

/**
 * Those that make sense for a selection of several: each account is asked about by itself. In the menus of the views all others
 * are left out while several are selected.
 */
export const COMMANDS_FOR_SEVERAL: readonly CommandId[] = [
	'agentAuth.signOut',
	'agentAuth.refresh',
	'agentAuth.disableBucket',
	'agentAuth.enableBucket',
	'agentAuth.includeInAutomatic',
	'agentAuth.excludeFromAutomatic',
	'agentAuth.endCooldown',
	'agentAuth.revokeAccess',
];

export type CommandId = (typeof COMMAND_IDS)[number];

/** Below the section `agentAuth`. */
export const SETTING_KEYS = [
	'providers',
	'signInFlow',
	'bindings',
	'earlyRefreshIdleDays',
	'terminal.enabled',
	'terminal.consent',
	'statusBar.enabled',
] as const;

export type SettingKey = (typeof SETTING_KEYS)[number];
