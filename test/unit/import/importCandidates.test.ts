import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseEnvFile } from '../../../src/auth/import/envFile.ts';
import { type ImportProvider, type ImportScan, importCandidates } from '../../../src/auth/import/importCandidates.ts';
import { digest, fingerprint } from '../../../src/auth/log.ts';

const KEY = 'sk-proj-0123456789abcdef';
const openai: ImportProvider = { id: 'openai', label: 'OpenAI', kind: 'apiKey' };
const gateway: ImportProvider = {
	id: 'gw',
	label: 'Gateway',
	kind: 'apiKey',
	environment: { ACME_KEY: 'token', ACME_END: 'expiresAt' },
};
const acme: ImportProvider = { id: 'acme', label: 'Acme', kind: 'oidc', environment: { ACME_TOKEN: 'token' } };
const all = [openai, gateway, acme];

const inEnvironment = (variables: Record<string, string | undefined>, providers = all): ImportScan =>
	importCandidates({ kind: 'environment', variables }, providers);
const inFile = (text: string): ImportScan =>
	importCandidates({ kind: 'file', variables: parseEnvFile(text).variables }, all);
const reasons = (scan: ImportScan): (readonly [string, string])[] =>
	scan.refused.map(({ variable, reason }) => [variable, reason]);

describe('the keys to import', () => {
	it('are those of the variables that a provider names or a vendor is known for, and no others', () => {
		const scan = inEnvironment({
			OPENAI_API_KEY: KEY,
			ACME_KEY: `${KEY}2`,
			ACME_END: `${KEY}3`,
			OTHER_API_KEY: `${KEY}4`,
			HOME: '/home/me',
		});
		assert.deepEqual(scan.candidates, [
			{
				...{ variables: ['OPENAI_API_KEY'], providerIds: ['openai'], vendor: 'OpenAI' },
				...{ length: KEY.length, fingerprint: fingerprint(KEY), digest: digest(KEY) },
			},
			{
				...{ variables: ['ACME_KEY'], providerIds: ['gw'], length: KEY.length + 1 },
				...{ fingerprint: fingerprint(`${KEY}2`), digest: digest(`${KEY}2`) },
			},
		]);
		assert.deepEqual(scan.refused, []);
		assert.deepEqual(scan.candidates.map(scan.keyOf), [KEY, `${KEY}2`]);
	});

	it('are none of a variable that is not set', () => {
		const scan = inEnvironment({ OPENAI_API_KEY: undefined, ACME_KEY: undefined });
		assert.deepEqual([scan.candidates, scan.refused], [[], []]);
	});

	it('go to the provider that names the variable before one that is only called alike', () => {
		const named: ImportProvider = { ...gateway, environment: { OPENAI_API_KEY: 'token' } };
		assert.deepEqual(inEnvironment({ OPENAI_API_KEY: KEY }, [openai, named]).candidates[0]?.providerIds, [
			'gw',
			'openai',
		]);
		const labelled: ImportProvider = { id: 'x', label: 'My Open-AI (work)', kind: 'apiKey' };
		assert.deepEqual(inEnvironment({ OPENAI_API_KEY: KEY }, [labelled]).candidates[0]?.providerIds, ['x']);
		assert.deepEqual(inEnvironment({ MISTRAL_API_KEY: KEY }).candidates[0]?.providerIds, []);
	});

	it('are one, if several variables hold the same', () => {
		const scan = inEnvironment({ GEMINI_API_KEY: KEY, GOOGLE_API_KEY: ` ${KEY}\n` });
		assert.deepEqual(
			scan.candidates.map(({ variables }) => variables),
			[['GEMINI_API_KEY', 'GOOGLE_API_KEY']],
		);
	});

	it('of a file are the last of each name', () => {
		const scan = inFile(`OPENAI_API_KEY=your-key-here\nexport OPENAI_API_KEY="${KEY}"\n`);
		assert.deepEqual(scan.candidates.map(scan.keyOf), [KEY]);
		assert.deepEqual(scan.refused, []);
	});

	it('do not come out of another scan', () => {
		const [candidate] = inEnvironment({ OPENAI_API_KEY: KEY }).candidates;
		assert.ok(candidate);
		assert.throws(() => inEnvironment({}).keyOf(candidate), RangeError);
	});
});

describe('what is not imported', () => {
	for (const [name, value, reason] of [
		['OPENAI_API_KEY', '', 'empty'],
		['OPENAI_API_KEY', '  ', 'empty'],
		['OPENAI_API_KEY', 'your-api-key', 'placeholder'],
		['OPENAI_API_KEY', '<key>', 'placeholder'],
		['OPENAI_API_KEY', 'sk-...', 'placeholder'],
		['OPENAI_API_KEY', 'sk-xxxxxxxxxxxxxxxx', 'placeholder'],
		['OPENAI_API_KEY', 'sk-your-key-goes-here', 'placeholder'],
		['OPENAI_API_KEY', 'short', 'placeholder'],
		['OPENAI_API_KEY', 'a key with blanks', 'malformed'],
		['OPENAI_API_KEY', 'ключ-ключ-ключ', 'malformed'],
		['OPENAI_API_KEY', 'k9'.repeat(4097), 'malformed'],
		['OPENAI_API_KEY', 'op://vault/openai/key', 'reference'],
		['OPENAI_API_KEY', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.c2ln', 'session'],
		['OPENAI_API_KEY', '{"access_token":"x"}', 'session'],
		['ANTHROPIC_AUTH_TOKEN', 'sk-ant-oat01-abcdefgh', 'session'],
		['ANTHROPIC_API_KEY', 'sk-ant-ort01-abcdefgh', 'refreshToken'],
		['CLAUDE_CODE_OAUTH_TOKEN', 'whatever-it-is', 'session'],
		['GH_TOKEN', 'gho_0123456789abcdef', 'session'],
		['GITHUB_TOKEN', 'ghr_0123456789abcdef', 'refreshToken'],
		['GOOGLE_API_KEY', 'ya29.a0123456789', 'session'],
		['GOOGLE_API_KEY', '1//0abcdefghij', 'refreshToken'],
		['SOME_TOOL_REFRESH_TOKEN', 'abcdefghijkl', 'refreshToken'],
		['ACME_TOKEN', 'abcdefghijkl', 'notForKeys'],
	] as const) {
		it(`${name}=${value.slice(0, 30)}: ${reason}`, () => {
			const scan = inEnvironment({ [name]: value });
			assert.deepEqual(reasons(scan), [[name, reason]]);
			assert.deepEqual(scan.candidates, []);
		});
	}

	it('a value that the file puts together from others', () => {
		assert.deepEqual(reasons(inFile('OPENAI_API_KEY=$OTHER_KEY_OF_MINE')), [['OPENAI_API_KEY', 'reference']]);
		assert.deepEqual(reasons(inFile("OPENAI_API_KEY='$OTHER_KEY_OF_MINE'")), []);
	});

	it('comes with the providers that can be signed in to instead', () => {
		assert.deepEqual(inEnvironment({ ACME_TOKEN: 'abcdefghijkl' }).refused[0]?.providerIds, ['acme']);
	});

	it('is no personal access token: that is a key', () => {
		const github: ImportProvider = { id: 'github', label: 'GitHub', kind: 'apiKey' };
		const scan = inEnvironment({ GH_TOKEN: 'ghp_0123456789abcdef', GITHUB_TOKEN: 'github_pat_0123456789' }, [github]);
		assert.equal(scan.candidates.length, 2);
	});

	it('shows nothing of any secret, taken or refused', () => {
		const name = fc.constantFrom(
			'OPENAI_API_KEY',
			'ACME_KEY',
			'ACME_TOKEN',
			'GH_TOKEN',
			'X_REFRESH_TOKEN',
			'MISTRAL_API_KEY',
		);
		// Longer than any run of hex digits that a digest could share with it by chance.
		const value = fc.stringMatching(/^(?:sk-|gho_|ghr_|eyJ)?[\x21-\x7e]{12,40}$/);
		fc.assert(
			fc.property(fc.dictionary(name, value), (variables) => {
				const scan = inEnvironment(variables);
				const shown = JSON.stringify(scan);
				for (const secret of Object.values(variables)) {
					for (let at = 0; at + 10 <= secret.length; at++) assert.ok(!shown.includes(secret.slice(at, at + 10)));
				}
				for (const candidate of scan.candidates) {
					for (const variable of candidate.variables) assert.equal(scan.keyOf(candidate), variables[variable]);
				}
			}),
		);
	});
});
