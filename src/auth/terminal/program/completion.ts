/** `agent-auth completion`: scripts for the shells, made from the table of commands and options. */
import { COMMANDS, type CommandName, HIDDEN_OPTIONS, OPTIONS, type Shell } from '../commandLine.ts';
import { printLine } from './print.ts';

export function completionScript(shell: Shell): string {
	switch (shell) {
		case 'bash':
			return bash();
		case 'zsh':
			// zsh runs the script for bash in its own emulation, so that there is one to keep right.
			return `autoload -U +X bashcompinit && bashcompinit\n${bash()}`;
		case 'fish':
			return fish();
	}
}

export function runCompletion(shell: Shell): number {
	printLine(completionScript(shell));
	return 0;
}

/** Commands whose first word is a provider. */
const WITH_PROVIDER: readonly CommandName[] = COMMANDS.filter(
	(name) => !['status', 'providers', 'doctor', 'completion'].includes(name),
);

function optionsOf(name: CommandName): string[] {
	return [...Object.keys(OPTIONS[name]).filter((option) => !HIDDEN_OPTIONS.has(option)), 'help'];
}

function bash(): string {
	const cases = COMMANDS.map(
		(name) =>
			`\t${name}) words="${optionsOf(name)
				.map((option) => `--${option}`)
				.join(' ')}" ;;`,
	);
	return `# Load with: source <(agent-auth completion bash)
_agent_auth() {
	local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" command="\${COMP_WORDS[1]}" words=""
	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		COMPREPLY=($(compgen -W "${COMMANDS.join(' ')} help --help --version" -- "$current"))
		return
	fi
	case "$previous" in
	--format) COMPREPLY=($(compgen -W "raw json header" -- "$current")); return ;;
	completion) COMPREPLY=($(compgen -W "bash zsh fish" -- "$current")); return ;;
	help) COMPREPLY=($(compgen -W "${COMMANDS.join(' ')}" -- "$current")); return ;;
	esac
	case "$command" in
${cases.join('\n')}
	esac
	case "$current" in
	-*) COMPREPLY=($(compgen -W "$words" -- "$current")); return ;;
	esac
	case " ${WITH_PROVIDER.join(' ')} " in
	*" $command "*)
		if [ "$COMP_CWORD" -eq 2 ]; then
			COMPREPLY=($(compgen -W "$(agent-auth providers 2>/dev/null | cut -f1)" -- "$current"))
		fi ;;
	esac
}
complete -o default -F _agent_auth agent-auth`;
}

function fish(): string {
	const lines = [
		'# Load with: agent-auth completion fish | source',
		`complete -c agent-auth -n __fish_use_subcommand -f -a '${[...COMMANDS, 'help'].join(' ')}'`,
		`complete -c agent-auth -n '__fish_seen_subcommand_from ${WITH_PROVIDER.join(' ')}' -f -a '(agent-auth providers 2>/dev/null | cut -f1)'`,
		"complete -c agent-auth -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'",
	];
	for (const name of COMMANDS) {
		const options: Readonly<Record<string, { readonly type: string }>> = OPTIONS[name];
		for (const option of optionsOf(name)) {
			const takesValue = options[option]?.type === 'string';
			const values = option === 'format' ? " -x -a 'raw json header'" : takesValue ? ' -x' : '';
			lines.push(`complete -c agent-auth -n '__fish_seen_subcommand_from ${name}' -l ${option}${values}`);
		}
	}
	return lines.join('\n');
}
