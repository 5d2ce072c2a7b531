/** opencode, which knows only variables, under `agent-auth exec`, against a loopback Chat Completions endpoint. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { answerJson, type Sent, startLoopbackService, tokensOf } from './loopbackService.ts';
import { openWorkplace, type Workplace, type WorkplaceOptions } from './workplace.ts';

const OPTIONS: WorkplaceOptions = {
	...{ tool: 'opencode', use: { environment: { ACME_TOKEN: 'token' } }, tokenInEnvironment: true },
	env: {
		OPENCODE_DISABLE_AUTOUPDATE: '1',
		OPENCODE_DISABLE_MODELS_FETCH: '1',
		OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
		OPENCODE_DISABLE_DEFAULT_PLUGINS: '1',
	},
};
const PROMPT = ['run', '--model', 'acme/small', 'Say hello'];

const isPrompt = ({ path }: Sent): boolean => path === '/v1/chat/completions';

function answerHello(response: ServerResponse): void {
	const chunk = { id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'small' };
	const events = [
		{ ...chunk, choices: [{ index: 0, delta: { role: 'assistant', content: 'hello from loopback' } }] },
		{
			...chunk,
			choices: [{ index: 0, delta: {}, finish_reason: 'stop' }],
			usage: { prompt_tokens: 1, completion_tokens: 1 },
		},
	];
	response.writeHead(200, { 'content-type': 'text/event-stream' });
	response.end(`${events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')}data: [DONE]\n\n`);
}

/** As opencode documents a provider of one's own: the file names the variable. */
async function configure(place: Workplace, url: string): Promise<void> {
	const acme = {
		...{ npm: '@ai-sdk/openai-compatible', name: 'Acme', models: { small: { name: 'Small' } } },
		options: { baseURL: `${url}/v1`, apiKey: '{env:ACME_TOKEN}' },
	};
	const config = { autoupdate: false, share: 'disabled', provider: { acme }, small_model: 'acme/small' };
	await place.write('.config/opencode/opencode.json', JSON.stringify(config));
}

test('sends the token of the account, after a rotation the new one, and keeps neither', async (t) => {
	const place = await openWorkplace(t, OPTIONS);
	const api = await startLoopbackService(t, (request, response) => {
		place.look();
		if (isPrompt(request)) answerHello(response);
		else answerJson(response, 404, {});
	});
	await configure(place, api.url);
	const first = await place.token();
	const said = await place.runByExec(PROMPT);
	assert.equal(said.status, 0, said.stderr + said.stdout);
	assert.match(said.stdout, /hello from loopback/);
	const count = api.sent.length;
	assert.ok(count > 0);
	for (const one of api.sent) assert.deepEqual(tokensOf(one), [first], one.path);
	const second = await place.rotate();
	assert.equal((await place.runByExec(PROMPT)).status, 0);
	assert.ok(api.sent.length > count);
	for (const one of api.sent.slice(count)) assert.deepEqual(tokensOf(one), [second], one.path);
	assert.equal(place.asked.length, 1);
	await place.assertNothingKept();
});

test('not possible: a new token in the same run after a 401; it reads the variable once', async (t) => {
	const place = await openWorkplace(t, OPTIONS);
	const old = await place.token();
	const api = await startLoopbackService(t, async (_request, response) => {
		place.look();
		if ((await place.token()) === old) await place.rotate();
		answerJson(response, 401, { error: { message: 'token expired', type: 'invalid_request_error' } });
	});
	await configure(place, api.url);
	await place.runByExec(PROMPT);
	assert.ok(api.sent.length > 0);
	for (const one of api.sent) assert.deepEqual(tokensOf(one), [old], one.path);
});
