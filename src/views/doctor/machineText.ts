/** What the doctor found on this machine, in words: vault, key, lease, watch and terminal. Pure. */

import type { Check, Fact } from '../../auth/doctor/finding.ts';
import type { Localizer } from '../localizer.ts';
import type { DoctorAction, FindingText } from './doctorAction.ts';

export type MachineCheck = Exclude<Check, 'service' | 'clock' | 'account'>;

export function machineText(check: MachineCheck, fact: Fact, l10n: Localizer): FindingText {
	switch (`${check}.${fact}` as const) {
		case 'vault.healthy':
			return { text: l10n.t('The folder with the sign-ins can be read and written.') };
		case 'vault.unwritable':
			return {
				text: l10n.t(
					'The folder with the sign-ins cannot be written. Check that the disk is not full and the folder is yours.',
				),
				action: 'showLog',
			};
		case 'vault.damaged':
			return {
				text: l10n.t('The list of accounts is damaged. The file is kept; signing in begins a new list.'),
				action: 'signIn',
			};
		case 'vault.newerVersion':
			return {
				text: l10n.t(
					'The sign-ins were written by a newer version of Agent Auth. Update the extension in this VS Code.',
				),
				action: 'updateExtension',
			};
		case 'key.healthy':
			return { text: l10n.t('The key that opens the sign-ins is there.') };
		case 'key.nothing':
			return { text: l10n.t('There is no key yet: it is made at the first sign-in.') };
		case 'key.keyMissing':
			return {
				text: l10n.t('The key that opens the sign-ins is missing. They are kept and open again when it returns.'),
				action: 'retryVault',
			};
		case 'key.keySilent':
			return {
				text: l10n.t('The place that keeps the key does not answer. Unlock your keyring, then look again.'),
				action: 'retryVault',
			};
		case 'key.damaged':
			return {
				text: l10n.t('The note that says which key it is, is damaged. Sign in and start over.'),
				action: 'signIn',
			};
		case 'key.newerVersion':
			return {
				text: l10n.t('The key was made by a newer version of Agent Auth. Update the extension in this VS Code.'),
				action: 'updateExtension',
			};
		case 'lease.healthy':
			return { text: l10n.t('Windows can agree on which of them renews a token.') };
		case 'lease.leaseBusy':
			return {
				text: l10n.t('Another window holds a lease for unusually long. The coordination status names its process.'),
				action: 'showCoordination',
			};
		case 'watch.healthy':
			return { text: l10n.t('Changes of other windows are seen at once.') };
		case 'watch.nothing':
			return { text: l10n.t('Changes of other windows are not watched yet: nothing is stored.') };
		case 'watch.watchDeaf':
			return {
				text: l10n.t(
					'The file system does not tell of changes, so windows look for themselves. This is slower, not wrong.',
				),
			};
		case 'terminal.healthy':
			return { text: l10n.t('Terminals can ask this window for tokens.') };
		case 'terminal.nothing':
			return { text: l10n.t('The command agent-auth is switched off for terminals.'), action: 'openSettings' };
		case 'terminal.socketSilent':
			return {
				text: l10n.t('Terminals get no answer from this window. Reloading it starts its socket anew.'),
				action: 'reload',
			};
		default:
			return failureText(check, l10n);
	}
}

/** Of what could not even be examined. */
function failureText(check: MachineCheck, l10n: Localizer): FindingText {
	const action: DoctorAction = 'showLog';
	switch (check) {
		case 'vault':
			return { text: l10n.t('The sign-ins cannot be read. Nobody was signed out.'), action: 'retryVault' };
		case 'key':
			return { text: l10n.t('The key cannot be looked for in its folder.'), action };
		case 'lease':
			return {
				text: l10n.t('Leases cannot be taken, so no token can be renewed. Check the rights of the folder.'),
				action,
			};
		case 'watch':
			return { text: l10n.t('Changes of other windows cannot be watched.'), action };
		case 'terminal':
			return { text: l10n.t('Terminals could not be examined.'), action };
		default:
			return check satisfies never;
	}
}
