/** A window over a vault that another process made: the shipped service, without VS Code around it. */
import type { Provider } from '../src/auth/provider.ts';
import type { AuthService } from '../src/auth/service.ts';
import { type Disk, nodeDisk } from '../src/auth/vault/disk.ts';
import { keyIdOf } from '../src/auth/vault/sealing.ts';
import type { VaultSetup } from '../test/race/protocol.ts';
import { openWindow } from '../test/support/serviceWindow.ts';

export type VaultWindow = {
	readonly service: AuthService;
	readonly providerId: string;
	/** State and records were read. */
	readonly ready: Promise<void>;
};

export function openVaultWindow(setup: VaultSetup, disk: Disk = nodeDisk): VaultWindow {
	const key = Buffer.from(setup.key, 'base64');
	const provider: Provider = {
		id: setup.ref.providerId,
		label: 'Demo',
		kind: 'oauth2',
		endpoints: { issuer: setup.issuer, tokenEndpoint: setup.tokenUrl },
		client: { clientId: setup.clientId, scopes: ['api'] },
	};
	const secrets = {
		name: 'secretStorage' as const,
		read: async (keyId: string) =>
			keyId === keyIdOf(key) ? { kind: 'key' as const, key } : { kind: 'absent' as const },
		write: async () => undefined,
		onDidChange: () => ({ dispose() {} }),
	};
	const { service } = openWindow(setup.storagePath, secrets, [provider], { disk });
	return { service, providerId: provider.id, ready: service.loaded };
}
