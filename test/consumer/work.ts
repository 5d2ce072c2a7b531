/** Work as an extension does it: requests by the documented loop of `api/example.ts`, which deals with what the token meets. */
import * as vscode from 'vscode';
import { RequestFailed, sendAuthorized } from '../../api/example.ts';
import { type Person, readPerson } from './whoami.ts';

export type WorkPlace = {
	/** VS Code's authentication provider, as the settings name it. */
	readonly providerId: string;
	readonly scopes: readonly string[];
	readonly url: string;
};

export type Work =
	| ({ readonly kind: 'done' } & Person)
	/** One sentence for the person. */
	| { readonly kind: 'failed'; readonly text: string };

/** So that the demo service can tell the windows of a test apart. */
const WINDOW_HEADER = 'x-demo-window';

export async function work(place: WorkPlace): Promise<Work> {
	try {
		const response = await sendAuthorized({
			provider: place.providerId.replace(/^agent-auth\./, ''),
			scopes: place.scopes,
			url: place.url,
			init: { headers: { [WINDOW_HEADER]: vscode.workspace.name ?? '' } },
		});
		return { kind: 'done', ...readPerson(await response.json()) };
	} catch (error) {
		if (error instanceof RequestFailed) return { kind: 'failed', text: adviceText(error) };
		return { kind: 'failed', text: error instanceof Error ? error.message : String(error) };
	}
}

/** One after the other; answers how many requests each answer was given to. */
export async function workInARow(place: WorkPlace, count: number): Promise<ReadonlyMap<string, number>> {
	const answers = new Map<string, number>();
	for (let request = 1; request <= count; request++) {
		const outcome = await work(place);
		const answer = outcome.kind === 'done' ? outcome.name : outcome.text;
		answers.set(answer, (answers.get(answer) ?? 0) + 1);
	}
	return answers;
}

function adviceText({ status, advice }: RequestFailed): string {
	const got = `status ${status}, ${advice.kind}`;
	switch (advice.kind) {
		case 'wait': {
			const until = advice.untilMs === undefined ? '' : ` until ${new Date(advice.untilMs).toISOString()}`;
			return `${got}${until} (${advice.reason})`;
		}
		case 'giveUp':
			return `${got} (${advice.code}, ${advice.reason})`;
		default:
			return got;
	}
}
