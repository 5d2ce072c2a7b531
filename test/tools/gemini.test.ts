/** Gemini CLI, which knows only variables, under `agent-auth exec`, against a loopback Gemini endpoint. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { answerJson, type Sent, startLoopbackService, tokensOf } from './loopbackService.ts';
import { openWorkplace, type WorkplaceOptions } from './workplace.ts';

const SETTINGS = {
	...{
		general: { enableAutoUpdate: false, enableAutoUpdateNotification: false },
		privacy: { usageStatisticsEnabled: false },
	},
	...{ telemetry: { enabled: false }, security: { auth: { selectedType: 'gemini-api-key' } } },
};
const OPTIONS: WorkplaceOptions = {
	...{ tool: 'gemini', use: { environment: { GEMINI_API_KEY: 'token' } }, tokenInEnvironment: true },
	env: { NO_BROWSER: '1', GEMINI_CLI_TRUST_WORKSPACE: 'true' },
};
const PROMPT = ['-p', 'Say hello', '--model', 'gemini-2.5-flash'];

const isPrompt = ({ path }: Sent): boolean => /:(streamGenerateContent|generateContent)/.test(path);

function answerHello({ path }: Sent, response: ServerResponse): void {
	const content = { role: 'model', parts: [{ text: 'hello from loopback' }] };
	const usageMetadata = { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 };
	const answer = { candidates: [{ content, finishReason: 'STOP', index: 0 }], usageMetadata };
	if (path.includes('streamGenerateContent')) {
		response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`data: ${JSON.stringify(answer)}\n\n`);
	} else answerJson(response, 200, answer);
}

test('sends the token of the account, after a rotation the new one, and keeps neither', async (t) => {
	const place = await openWorkplace(t, OPTIONS);
	await place.write('.gemini/settings.json', JSON.stringify(SETTINGS));
	const api = await startLoopbackService(t, (request, response) => {
		place.look();
		if (isPrompt(request)) answerHello(request, response);
		else answerJson(response, 404, {});
	});
	const env = { GOOGLE_GEMINI_BASE_URL: api.url };
	const first = await place.token();
	const said = await place.runByExec(PROMPT, env);
	assert.equal(said.status, 0, said.stderr + said.stdout);
	assert.match(said.stdout, /hello from loopback/);
	const count = api.sent.length;
	assert.ok(count > 0);
	for (const one of api.sent) assert.deepEqual(tokensOf(one), [first], one.path);
	const second = await place.rotate();
	assert.equal((await place.runByExec(PROMPT, env)).status, 0);
	assert.ok(api.sent.length > count);
	for (const one of api.sent.slice(count)) assert.deepEqual(tokensOf(one), [second], one.path);
	assert.equal(place.asked.length, 1);
	await place.assertNothingKept();
});

test('not possible: a new token in the same run after a 401; it reads the variable once', async (t) => {
	const place = await openWorkplace(t, OPTIONS);
	await place.write('.gemini/settings.json', JSON.stringify(SETTINGS));
	const old = await place.token();
	const api = await startLoopbackService(t, async (_request, response) => {
		place.look();
		if ((await place.token()) === old) await place.rotate();
		answerJson(response, 401, { error: { code: 401, message: 'token expired', status: 'UNAUTHENTICATED' } });
	});
	const said = await place.runByExec(PROMPT, { GOOGLE_GEMINI_BASE_URL: api.url });
	assert.notEqual(said.status, 0);
	assert.ok(api.sent.length > 0);
	for (const one of api.sent) assert.deepEqual(tokensOf(one), [old], one.path);
});
