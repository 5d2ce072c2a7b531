/** The commands that change a bucket: its name, its place, whether it is used, and what is known about who pays for it. */
import * as vscode from 'vscode';
import { isAuthError } from '../../auth/errors.ts';
import type { AuthService } from '../../auth/service.ts';
import type { BucketSnapshot, ProviderSnapshot } from '../../auth/snapshot.ts';
import { coolingOf, placeOf } from '../accounts/bucketStanding.ts';
import { bucketTitle } from '../accounts/bucketWords.ts';
import type { CommandId } from '../ids.ts';
import { plain } from '../localizer.ts';
import { askDescription } from './billingQuestion.ts';
import { nameProblem } from './bucketName.ts';

type Found = { readonly provider: ProviderSnapshot; readonly bucket: BucketSnapshot };

export type BucketCommandId = Extract<
	CommandId,
	`agentAuth.${
		| 'renameBucket'
		| 'moveUp'
		| 'moveDown'
		| 'enableBucket'
		| 'disableBucket'
		| 'describeBucket'
		| 'includeInAutomatic'
		| 'excludeFromAutomatic'
		| 'endCooldown'}`
>;

/** @param bucketFor the bucket that a command is about: the node's, or one of those that fit. */
export function bucketCommands(
	service: AuthService,
	bucketFor: (
		args: readonly unknown[],
		fits: (bucket: BucketSnapshot, provider: ProviderSnapshot) => boolean,
	) => Promise<Found | undefined>,
): Record<BucketCommandId, (args: readonly unknown[]) => Promise<void>> {
	const on =
		(
			fits: (bucket: BucketSnapshot, provider: ProviderSnapshot) => boolean,
			act: (found: Found) => Promise<void>,
		): ((args: readonly unknown[]) => Promise<void>) =>
		async (args) => {
			const found = await bucketFor(args, fits);
			if (found) await act(found);
		};
	const describe =
		(description: Parameters<AuthService['describeBucket']>[2]) =>
		({ bucket }: Found): Promise<void> =>
			service.describeBucket(bucket.providerId, bucket.id, description);
	const move =
		(by: 1 | -1) =>
		({ provider, bucket }: Found): Promise<void> =>
			service.moveBucket(bucket.providerId, bucket.id, placeOf(bucket, provider).place + by);

	return {
		'agentAuth.renameBucket': on(
			() => true,
			(found) => rename(service, found),
		),
		'agentAuth.moveUp': on((bucket, provider) => placeOf(bucket, provider).place > 0, move(-1)),
		'agentAuth.moveDown': on((bucket, provider) => {
			const { place, count } = placeOf(bucket, provider);
			return place < count - 1;
		}, move(1)),
		'agentAuth.enableBucket': on(({ disabled }) => disabled, describe({ disabled: false })),
		'agentAuth.disableBucket': on(({ disabled }) => !disabled, describe({ disabled: true })),
		'agentAuth.describeBucket': on(
			() => true,
			async ({ bucket }) => {
				const said = await askDescription(bucket);
				if (said) await service.describeBucket(bucket.providerId, bucket.id, said);
			},
		),
		'agentAuth.includeInAutomatic': on(({ automatic }) => !automatic, describe({ automatic: true })),
		'agentAuth.excludeFromAutomatic': on(({ automatic }) => automatic, describe({ automatic: false })),
		'agentAuth.endCooldown': on(
			(bucket) => coolingOf(bucket, Date.now()) !== undefined,
			({ bucket }) => service.endCooldown(bucket.providerId, bucket.id),
		),
	};
}

async function rename(service: AuthService, { provider, bucket }: Found): Promise<void> {
	const others = provider.buckets.filter(({ id }) => id !== bucket.id).map(({ name }) => name);
	const name = await vscode.window.showInputBox({
		title: bucketTitle(bucket),
		prompt: vscode.l10n.t('A name of your choice. Settings of workspaces and terminals name the account by it.'),
		value: bucket.name,
		ignoreFocusOut: true,
		validateInput: (value) => problemText(value, others),
	});
	if (name === undefined || name.trim() === bucket.name) return;
	try {
		await service.renameBucket(bucket.providerId, bucket.id, name.trim());
	} catch (error) {
		// Another window gave it away since it was typed; the sentence of the code is about the settings.
		if (!isAuthError(error, 'configuration')) throw error;
		void vscode.window.showErrorMessage(vscode.l10n.t('Another account has this name.'));
		return;
	}
	if (provider.binding?.kind === 'bound' && provider.binding.bucketName === bucket.name)
		void offerToTieAgain(bucket, name.trim());
}

function problemText(value: string, others: readonly string[]): string | undefined {
	switch (nameProblem(value, others)) {
		case undefined:
			return undefined;
		case 'blank':
			return vscode.l10n.t('Enter a name.');
		case 'taken':
			return vscode.l10n.t('Another account has this name.');
		case 'long':
			return vscode.l10n.t('This name is too long.');
	}
}

/** The workspace's setting has the old name, and nothing else is taken instead. */
async function offerToTieAgain({ providerId, id, name: before }: BucketSnapshot, name: string): Promise<void> {
	const tie = vscode.l10n.t('Tie It to the New Name');
	const answer = await vscode.window.showWarningMessage(
		vscode.l10n.t(
			'This workspace is tied to the account by its old name "{0}", not by "{1}".',
			plain(before),
			plain(name),
		),
		tie,
	);
	const command: CommandId = 'agentAuth.bindWorkspace';
	if (answer === tie) await vscode.commands.executeCommand(command, { providerId, bucketId: id });
}
