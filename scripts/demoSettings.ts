/** User settings with which VS Code knows the demo service and the consumer extension knows whom to ask. */
import type { Server } from '../test/server/server.ts';

export function demoSettings(service: Pick<Server, 'issuer' | 'clientId' | 'whoamiUrl'>): Record<string, unknown> {
	return {
		'agentAuth.providers': {
			demo: {
				type: 'oidc',
				label: 'Demo Service',
				issuer: service.issuer,
				clientId: service.clientId,
				scopes: ['openid', 'email', 'profile', 'offline_access', 'api'],
			},
		},
		'demoConsumer.whoamiUrl': service.whoamiUrl,
	};
}
