/** The public native client that the demo services know. */

export const CLIENT_ID = 'agent-auth-demo';
export const CLIENT_NAME = 'Agent Auth (demo)';
export const SCOPES = ['openid', 'email', 'profile', 'offline_access', 'api'] as const;
