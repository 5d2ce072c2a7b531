/** Asks whether an account that is billed differently may stand in: once for all windows, and whenever the person wants to. */
import * as vscode from 'vscode';
import type { AuthService } from '../../auth/service.ts';
import type { ProviderSnapshot } from '../../auth/snapshot.ts';
import { bucketTitle } from '../accounts/bucketWords.ts';
import { display } from '../display.ts';
import { type Localizer, plain } from '../localizer.ts';
import type { Target } from '../target.ts';
import {
	type CrossingChoice,
	type CrossingPair,
	crossingChoices,
	crossingKey,
	crossingPairs,
	crossingText,
	isOutdated,
	pendingCrossing,
} from './crossingText.ts';

/**
 * Asks about the decision that the provider waits for, unless this or another window has asked about the same exhaustion.
 * @param seen keys of those that this window has looked at; gets this one's.
 */
export async function askOncePerExhaustion(
	service: AuthService,
	provider: ProviderSnapshot,
	seen: Set<string>,
): Promise<void> {
	const pair = pendingCrossing(provider);
	// Without a cooldown nobody's request failed: it takes a sign-in, which is asked for elsewhere.
	if (pair?.from.cooldown === undefined || !vscode.workspace.isTrusted) return;
	const key = crossingKey(pair);
	if (seen.has(key)) return;
	seen.add(key);
	if (!(await service.claimMessage(pair.from.providerId, pair.from.id, key))) return;
	const text = crossingText(pair, Date.now(), display);
	const choices = choicesFor(pair, display);
	const answer = await vscode.window.showWarningMessage(text, ...choices.map(({ title }) => title));
	const choice = choices.find(({ title }) => title === answer);
	if (choice) await decide(service, pair, choice);
}

/** The command: about the node it was called on, else about what waits for a decision, else about a pair of choice. */
export async function askCrossing(service: AuthService, target: Target): Promise<void> {
	const pairs = crossingPairs(service.snapshot(), Date.now()).filter(
		({ to }) =>
			(target.providerId === undefined || to.providerId === target.providerId) &&
			(target.bucketId === undefined || to.id === target.bucketId),
	);
	const pair = await pickPair(pairs);
	if (pair === undefined) return;
	const never = { title: vscode.l10n.t('Never'), allowed: false, scope: 'always' as const };
	const items = [...choicesFor(pair, display), never].map((choice) => ({ label: choice.title, choice }));
	const picked = await vscode.window.showQuickPick(items, {
		title: bucketTitle(pair.to),
		placeHolder: crossingText(pair, Date.now(), display),
		ignoreFocusOut: true,
	});
	if (picked) await decide(service, pair, picked.choice);
}

async function pickPair(pairs: readonly CrossingPair[]): Promise<CrossingPair | undefined> {
	if (pairs.length === 0) {
		void vscode.window.showInformationMessage(
			vscode.l10n.t('There is nothing to decide: no account would be replaced by one that is billed differently.'),
		);
		return undefined;
	}
	if (pairs.length === 1) return pairs[0];
	const items = pairs.map((pair) => ({
		label: bucketTitle(pair.to),
		description: vscode.l10n.t('{0}, instead of {1}', pair.provider.provider.label, bucketTitle(pair.from)),
		pair,
	}));
	const picked = await vscode.window.showQuickPick(items, { placeHolder: vscode.l10n.t('Which account?') });
	return picked?.pair;
}

function choicesFor(pair: CrossingPair, l10n: Localizer): readonly CrossingChoice[] {
	const hasWorkspace = vscode.workspace.workspaceFolders !== undefined;
	return crossingChoices(pair, { hasWorkspace, nowMs: Date.now() }, l10n);
}

async function decide(service: AuthService, pair: CrossingPair, choice: CrossingChoice): Promise<void> {
	const { from, to } = pair;
	const present = service.snapshot().providers.find(({ provider }) => provider.id === from.providerId);
	if (isOutdated(choice, pair, present)) {
		void vscode.window.showInformationMessage(
			vscode.l10n.t('{0} is back meanwhile, so nothing was decided.', plain(bucketTitle(from))),
		);
		return;
	}
	const { allowed, scope } = choice;
	await service.decideCrossing({
		providerId: from.providerId,
		fromBucketId: from.id,
		toBucketId: to.id,
		allowed,
		scope,
	});
}
