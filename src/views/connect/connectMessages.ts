/** Why a tool's file was left as it is, in a sentence with one thing to do. */
import type { FileProblem } from '../../auth/connect/format.ts';
import { type Localizer, plain } from '../localizer.ts';

/** @param file the path of the file, as the person knows it */
export function fileProblemText({ code, subject }: FileProblem, file: string, l10n: Localizer): string {
	const name = plain(file);
	switch (code) {
		case 'unparsable':
			return l10n.t('{0} cannot be read, so it was left as it is. Repair it and try again.', name);
		case 'utf16':
			return l10n.t('{0} is written in UTF-16. Save it as UTF-8 and try again.', name);
		case 'unsupported':
			return l10n.t('{0} is written in a way that cannot be changed safely. Add the line yourself.', name);
		case 'conflict':
			return l10n.t(
				'{0} already has another credential there: {1}. Remove it or choose another place.',
				name,
				plain(subject ?? ''),
			);
		case 'secret':
			return l10n.t(
				'What {0} has there ({1}) holds a secret. Agent Auth would have to keep it in clear to bring it back. Take it out yourself, then connect again.',
				name,
				plain(subject ?? ''),
			);
		case 'readOnly':
			return l10n.t('{0} must not be written to. Allow it, or add the line yourself.', name);
		case 'io':
			return l10n.t('{0} could not be read or written. Nothing was changed; try again.', name);
		case 'changed':
			return l10n.t('{0} was changed by something else meanwhile. Look at the change again.', name);
		case 'path':
			return l10n.t('The path of the command has characters that {0} cannot hold. Add the line yourself.', name);
		case 'absent':
			return l10n.t('{0} has nothing to connect yet. Set the tool up first.', name);
		default:
			return code satisfies never;
	}
}
