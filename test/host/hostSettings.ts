/** User settings of every extension host that runs the suite: one service, which no test reaches. */

export const PROVIDER_ID = 'acme';

export const HOST_SETTINGS: Readonly<Record<string, unknown>> = {
	'agentAuth.terminal.consent': { github: 'always' },
	'agentAuth.providers': {
		[PROVIDER_ID]: {
			type: 'oauth2',
			label: 'Acme',
			authorizationEndpoint: 'https://login.example.com/authorize',
			tokenEndpoint: 'https://login.example.com/token',
			clientId: 'host-suite',
			scopes: ['profile'],
		},
	},
};
