/**
 * Lets a test in another process use the same witness and faults, over a loopback port of its own, so that it still
 * answers while the service is down. Only started on request.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as v from 'valibot';
import type { Fault, JsonValue, Undo } from './faults.ts';
import { readBody } from './form.ts';
import { HOST, listen } from './listener.ts';
import type { NextOptions, Oracle, RequestKind, RequestRecord } from './oracle.ts';

/** What both servers offer. */
export type ControlledServer = Oracle & {
	fault(fault: Fault): Undo;
	setAccessTokenLife(lifeS: number): void;
	grantsAlive(): readonly string[];
	down(): Promise<void>;
	up(): Promise<void>;
};

/** One consistent picture of the oracle. */
export type Report = {
	readonly requests: readonly RequestRecord[];
	readonly refreshes: number;
	readonly refreshRequests: number;
	readonly reuses: number;
	readonly graceReuses: number;
	readonly resent: readonly (readonly [digest: string, count: number])[];
	readonly grantsAlive: readonly string[];
};

export type Control = { readonly url: string; close(): Promise<void> };

export const CONTROL_PATH = '/__control/';
/** A web page cannot send this header to another origin without a permission that is never given. */
export const CONTROL_HEADER = 'x-demo-control';

const kinds = [
	'code',
	'refresh',
	'device',
	'otherGrant',
	'authorize',
	'deviceAuthorization',
	'revocation',
	'introspection',
	'userinfo',
	'whoami',
	'discovery',
	'page',
] as const satisfies readonly RequestKind[];

const kindSchema = v.picklist(kinds);
const jsonSchema: v.GenericSchema<JsonValue> = v.lazy(() =>
	v.union([v.string(), v.number(), v.boolean(), v.null(), v.array(jsonSchema), v.record(v.string(), jsonSchema)]),
);
const whenSchema = v.picklist(['before', 'after']);
const personSchema = v.picklist(['ada', 'grace']);
const nullableText = v.exactOptional(v.nullable(v.string()));

const faultSchema = v.strictObject({
	on: v.exactOptional(v.union([kindSchema, v.array(kindSchema)])),
	person: v.exactOptional(personSchema),
	times: v.exactOptional(v.number()),
	delayBeforeMs: v.exactOptional(v.number()),
	delayAfterMs: v.exactOptional(v.number()),
	hold: v.exactOptional(whenSchema),
	drop: v.exactOptional(whenSchema),
	respond: v.exactOptional(
		v.strictObject({
			status: v.number(),
			retryAfter: v.exactOptional(v.string()),
			headers: v.exactOptional(v.record(v.string(), v.string())),
			body: v.exactOptional(v.string()),
			contentType: v.exactOptional(v.string()),
			when: v.exactOptional(whenSchema),
		}),
	),
	invalidJson: v.exactOptional(v.boolean()),
	oauthError: v.exactOptional(v.string()),
	omitRefreshToken: v.exactOptional(v.boolean()),
	expiresIn: v.exactOptional(v.nullable(v.union([v.number(), v.string()]))),
	patch: v.exactOptional(v.record(v.string(), jsonSchema)),
	dateSkewMs: v.exactOptional(v.number()),
	redirect: v.exactOptional(v.strictObject({ iss: nullableText, state: nullableText, code: nullableText })),
});

const nextSchema = v.object({
	kind: kindSchema,
	phase: v.exactOptional(v.picklist(['arrived', 'done'])),
	afterId: v.exactOptional(v.number()),
	deadlineMs: v.exactOptional(v.number()),
});

/** Starts the control port. Every command is a POST with a JSON body and a JSON answer. */
export async function startControl(server: ControlledServer): Promise<Control> {
	const undos = new Map<number, Undo>();
	let lastUndo = 0;
	const commands: Readonly<Record<string, (body: unknown) => unknown>> = {
		fault(body) {
			lastUndo += 1;
			undos.set(lastUndo, server.fault(v.parse(faultSchema, body)));
			return { id: lastUndo };
		},
		undo(body) {
			const { id } = v.parse(v.object({ id: v.number() }), body);
			undos.get(id)?.dispose();
			undos.delete(id);
			return {};
		},
		report: (): Report => ({
			requests: server.requests,
			refreshes: server.refreshes(),
			refreshRequests: server.refreshRequests(),
			reuses: server.reuses(),
			graceReuses: server.graceReuses(),
			resent: [...server.resent()],
			grantsAlive: server.grantsAlive(),
		}),
		next(body) {
			const { kind, ...options } = v.parse(nextSchema, body);
			return server.next(kind, options);
		},
		life(body) {
			server.setAccessTokenLife(v.parse(v.object({ lifeS: v.number() }), body).lifeS);
			return {};
		},
		secrets: () => server.secrets(),
		down: () => server.down().then(() => ({})),
		up: () => server.up().then(() => ({})),
	};

	const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
		const command = commands[(request.url ?? '').slice(CONTROL_PATH.length)];
		const allowed = request.method === 'POST' && request.headers[CONTROL_HEADER] !== undefined;
		if (command === undefined || !allowed || !request.url?.startsWith(CONTROL_PATH)) {
			response.writeHead(404).end();
			return;
		}
		try {
			const text = (await readBody(request)).toString('utf8');
			const result = await command(text === '' ? {} : JSON.parse(text));
			response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
		} catch (error) {
			response.writeHead(400, { 'content-type': 'text/plain' }).end(String(error));
		}
	};
	const listener = await listen(0, (request, response) => void answer(request, response));
	return { url: `http://${HOST}:${listener.port}${CONTROL_PATH}`, close: listener.down };
}

export type RemoteServer = {
	fault(fault: Fault): Promise<{ dispose(): Promise<void> }>;
	report(): Promise<Report>;
	/** Waits as {@link Oracle.next}; give `afterId` (from a report) so that nothing is missed on the way. */
	next(kind: RequestKind, options?: Omit<NextOptions, 'signal'>): Promise<RequestRecord>;
	setAccessTokenLife(lifeS: number): Promise<void>;
	secrets(): Promise<readonly string[]>;
	down(): Promise<void>;
	up(): Promise<void>;
};

/** The other end of {@link startControl}. Trusts its answers: it is the same code on the same machine. */
export function connectControl(url: string): RemoteServer {
	const send = async (command: string, body: object = {}): Promise<unknown> => {
		const response = await fetch(new URL(command, url), {
			method: 'POST',
			headers: { [CONTROL_HEADER]: '1' },
			body: JSON.stringify(body),
		});
		if (!response.ok) throw new Error(`${command}: ${await response.text()}`);
		return response.json();
	};
	return {
		async fault(fault) {
			const { id } = v.parse(v.object({ id: v.number() }), await send('fault', fault));
			return { dispose: async () => void (await send('undo', { id })) };
		},
		report: async () => v.parse(reportSchema, await send('report')),
		next: async (kind, options = {}) => v.parse(recordSchema, await send('next', { kind, ...options })),
		setAccessTokenLife: async (lifeS) => void (await send('life', { lifeS })),
		secrets: async () => v.parse(v.array(v.string()), await send('secrets')),
		down: async () => void (await send('down')),
		up: async () => void (await send('up')),
	};
}

const text = v.exactOptional(v.string());
const recordSchema = v.object({
	id: v.number(),
	kind: kindSchema,
	atMs: v.number(),
	path: v.string(),
	requestHeaders: v.record(v.string(), v.string()),
	person: v.exactOptional(personSchema),
	grantType: text,
	refreshTokenDigest: text,
	refreshTokenState: v.exactOptional(v.picklist(['live', 'grace', 'reused', 'dead'])),
	grantId: text,
	issuedAccessTokenDigest: text,
	issuedRefreshTokenDigest: text,
	processed: v.boolean(),
	status: v.exactOptional(v.number()),
	error: text,
	delivered: v.exactOptional(v.boolean()),
	doneAtMs: v.exactOptional(v.number()),
});
const reportSchema = v.object({
	requests: v.array(recordSchema),
	refreshes: v.number(),
	refreshRequests: v.number(),
	reuses: v.number(),
	graceReuses: v.number(),
	resent: v.array(v.tuple([v.string(), v.number()])),
	grantsAlive: v.array(v.string()),
});
