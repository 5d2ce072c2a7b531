/** What is taken for a secret in the command of somebody else, and what is not. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { holdsSecret } from '../../../src/auth/connect/literalSecret.ts';

const SECRETS: readonly string[] = [
	'echo sk-ant-api03-abcdef',
	'printf %s "ghp_16C7e42F292c6912E7710c838347Ae178B4a"',
	'get-token --client-secret=hunter2hunter2',
	'get-token --oidc-client-secret hunter2hunter2',
	'helper --password "correct-horse"',
	'ACME_API_KEY=abcdef123 /opt/helper',
	'env TOKEN=abcdef123 /opt/helper',
	"curl -H 'Authorization: Bearer abcdef123' https://acme.example",
	'curl -u ada:hunter2hunter2 https://acme.example',
	'echo q7Rk2Lw9Zx4Tn8Vb1Mc6Yd3F',
	'echo eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln',
	'awscreds --key AKIAIOSFODNN7EXAMPLE',
];

const COMMANDS: readonly string[] = [
	'/opt/vault/print-key --team',
	'"/opt/my tools/awscreds" --username helen',
	'aws eks get-token --cluster-name prod-2024 --role-arn arn:aws:iam::123456789012:role/admin',
	'kubelogin get-token --login azurecli --server-id 6dae42f8-4368-4678-94ff-3960e28e3630',
	'security find-generic-password -s acme -w',
	'op read op://work/acme/credential',
	'pass show acme/api-key',
	'gcloud auth print-access-token',
	'helper --token-file /home/ada/.token --password-file=/run/secrets/pw',
	'helper --token "$ACME_TOKEN" --secret $SECRET --password $(pass acme)',
	'ACME_TOKEN=$(cat ~/.token) helper',
	"sh -c 'cat /run/secrets/token'",
	'/home/ada/.local/share/mise/installs/node/24.21.0/bin/node /home/ada/tools/print-token.mjs',
	'/nix/store/q7rk2lw9zx4tn8vb1mc6yd3f5h0j-helper-1.0/bin/helper',
];

describe('a command', () => {
	for (const command of SECRETS)
		it(`with a secret in it is known: ${command.slice(0, 24)}…`, () => {
			assert.ok(holdsSecret(`  "apiKeyHelper": ${JSON.stringify(command)}`, command));
			assert.ok(holdsSecret('', { command: command.split(' ')[0] ?? '', args: command.split(' ').slice(1) }));
		});

	for (const command of COMMANDS)
		it(`that asks for one is none: ${command.slice(0, 40)}`, () =>
			assert.equal(holdsSecret(`  "apiKeyHelper": ${JSON.stringify(command)}`, command), false));

	it('is judged with its variables, as a kubeconfig has them, and its comments', () => {
		const env = (name: string, value: string) => ({ command: 'helper', env: [{ name, value }], args: null });
		assert.ok(holdsSecret('', env('ACME_TOKEN', 'hunter2hunter2')));
		assert.equal(holdsSecret('', env('AWS_PROFILE', 'production')), false);
		assert.equal(holdsSecret('', env('ACME_TOKEN', '$OTHER_TOKEN')), false);
		assert.ok(holdsSecret('exec: # was sk-proj-abcdef\n  command: helper', { command: 'helper' }));
		assert.equal(holdsSecret('', undefined), false);
	});
});
