/**
 * The tools that can be connected, each by what it documents: where its file is, what goes into it, and what excludes
 * that. A tool without such a hook has a line to use instead.
 */
import path from 'node:path';
import { awsProfiles } from './awsFormat.ts';
import type { Assignment } from './change.ts';
import { FileProblem } from './format.ts';
import { type GitSlot, gitHelpers } from './gitFormat.ts';
import { jsonFormat } from './jsonFormat.ts';
import { awsCommand, gitHelper, type Launch, launcherPath, shellCommand } from './launchCommand.ts';
import { tomlTable } from './tomlFormat.ts';
import { kubeUsers } from './yamlFormat.ts';

export const TOOL_IDS = ['claude', 'codex', 'git', 'aws', 'kubectl', 'opencode', 'gemini'] as const;

export type ToolId = (typeof TOOL_IDS)[number];

/** Where a tool's files are. */
export type Places = {
	readonly homeFolder: string;
	/** Variables with which the tools move their files. */
	readonly env: Readonly<Record<string, string | undefined>>;
};

/** What the person chose inside the file: nothing, a name that is there, or a new one. */
export type Choice = {
	/** Provider of Codex, URL for git, profile of AWS, user of kubectl; empty for Claude Code. */
	readonly name: string;
	/** Only for a new provider of Codex. */
	readonly baseUrl?: string;
};

export type ChangeRequest = {
	readonly launch: Launch;
	/** Id of the provider whose token the tool gets. */
	readonly provider: string;
	readonly choice: Choice;
};

export type Tool = {
	readonly id: ToolId;
	/** A product's name; never translated. */
	readonly label: string;
	/**
	 * In order of preference; the first is made if none is there. Together they are one configuration, in which the first that
	 * has a name counts. Empty for a tool without a hook.
	 */
	files(places: Places): readonly string[];
	/** Names in the file that the person can choose from. Throws {@link FileProblem}. */
	names(text: string): readonly string[];
	/** What goes where. Throws {@link FileProblem} `conflict` if something in the file excludes it. */
	assignments(text: string, request: ChangeRequest): readonly Assignment[];
	/** What is in force for the same thing now and will not be any more, besides the values in the slots. */
	rivals(text: string, request: ChangeRequest): readonly string[];
	/** To do it by hand. */
	line(request: ChangeRequest): string;
};

/**
 * How much life a token must have left when a tool gets it, in seconds. Claude Code and Codex keep it for
 * {@link KEEP_MS}, and Claude Code sends the old one once more while it asks for the next (claude-code#43436).
 */
const MIN_TTL_S = 600;
const KEEP_MS = 240_000;

/** The first call of a tool waits for the person's answer; Codex's own 5 s are too short for that. */
const CODEX_TIMEOUT_MS = 60_000;

const TTL_VARIABLE = 'CLAUDE_CODE_API_KEY_HELPER_TTL_MS';

const tokenArgs = (provider: string): string[] => ['token', provider, '--min-ttl', String(MIN_TTL_S)];

/** Anthropic's order of precedence: each of these wins over `apiKeyHelper` if it is not empty. */
const CLAUDE_SHADOWS = [
	...['CLAUDE_CODE_USE_BEDROCK', 'CLAUDE_CODE_USE_VERTEX', 'CLAUDE_CODE_USE_FOUNDRY'],
	...['ANTHROPIC_AUTH_TOKEN', 'ANTHROPIC_API_KEY'],
];

const claude: Tool = {
	id: 'claude',
	label: 'Claude Code',
	files: ({ homeFolder, env }) => [
		path.join(env.CLAUDE_CONFIG_DIR || path.join(homeFolder, '.claude'), 'settings.json'),
	],
	names: () => [],
	assignments(text, { launch, provider }) {
		for (const name of CLAUDE_SHADOWS) {
			const value = jsonFormat.read(text, { format: 'json', path: ['env', name] });
			if (value !== undefined && value !== '') throw conflict(`env.${name}`);
		}
		const ttl = { format: 'json', path: ['env', TTL_VARIABLE] } as const;
		const hasTtl = jsonFormat.read(text, ttl) !== undefined;
		return [
			{ slot: { format: 'json', path: ['apiKeyHelper'] }, value: shellCommand(launch, tokenArgs(provider)) },
			...(hasTtl ? [] : [{ slot: ttl, value: String(KEEP_MS) }]),
		];
	},
	rivals: () => [],
	line: ({ launch, provider }) =>
		`"apiKeyHelper": ${JSON.stringify(shellCommand(launch, tokenArgs(provider)))}, "env": { "${TTL_VARIABLE}": "${KEEP_MS}" }`,
};

/** Codex refuses a configuration that has `auth` beside one of these. */
const CODEX_EXCLUDES = ['env_key', 'experimental_bearer_token', 'requires_openai_auth', 'aws'];

const codexAuth = ({ launch, provider }: ChangeRequest): { command: string; args: string[] } => ({
	command: launcherPath(launch),
	args: tokenArgs(provider),
});

const codex: Tool = {
	id: 'codex',
	label: 'Codex',
	files: ({ homeFolder, env }) => [path.join(env.CODEX_HOME || path.join(homeFolder, '.codex'), 'config.toml')],
	names: (text) => Object.keys(tomlTable(text, ['model_providers'])),
	assignments(text, request) {
		const { name, baseUrl } = request.choice;
		const table = ['model_providers', name];
		const present = tomlTable(text, table);
		const excluded = CODEX_EXCLUDES.find((key) => Object.hasOwn(present, key) && present[key] !== false);
		if (excluded !== undefined) throw conflict(`model_providers.${name}.${excluded}`);
		const isNew = Object.keys(present).length === 0;
		if (isNew && baseUrl === undefined) throw new FileProblem('absent', 'no such provider', { subject: name });
		const entry = { name, base_url: baseUrl ?? '', wire_api: 'responses' };
		const auth = { ...codexAuth(request), timeout_ms: CODEX_TIMEOUT_MS, refresh_interval_ms: KEEP_MS };
		return [
			...(isNew ? [{ slot: { format: 'toml', table }, value: entry } as const] : []),
			{ slot: { format: 'toml', table: [...table, 'auth'] }, value: auth },
		];
	},
	rivals: () => [],
	line(request) {
		const { command, args } = codexAuth(request);
		return `auth = { command = ${JSON.stringify(command)}, args = ${JSON.stringify(args)} }`;
	},
};

const gitSlot = ({ launch, provider, choice }: ChangeRequest): GitSlot => ({
	format: 'git',
	url: choice.name,
	helper: gitHelper(launch, ['git-credential', provider]),
});

const git: Tool = {
	id: 'git',
	label: 'git',
	files: ({ homeFolder, env }) =>
		env.GIT_CONFIG_GLOBAL
			? [env.GIT_CONFIG_GLOBAL]
			: [
					path.join(homeFolder, '.gitconfig'),
					path.join(env.XDG_CONFIG_HOME || path.join(homeFolder, '.config'), 'git', 'config'),
				],
	names: () => [],
	assignments(_, request) {
		const slot = gitSlot(request);
		return [{ slot, value: slot.helper }];
	},
	rivals: (text, request) => gitHelpers(text, gitSlot(request)),
	line(request) {
		const { url, helper } = gitSlot(request);
		return `git config --global --add ${JSON.stringify(`credential.${url}.helper`)} '${helper.replaceAll("'", "'\\''")}'`;
	},
};

/** Other ways in which a profile gets credentials; the tools take them first, or refuse both. */
const AWS_EXCLUDES = /^(aws_access_key_id|role_arn|web_identity_token_file|sso_.*|credential_source|login_session)$/;

const aws: Tool = {
	id: 'aws',
	label: 'AWS CLI',
	files: ({ homeFolder, env }) => [env.AWS_CONFIG_FILE || path.join(homeFolder, '.aws', 'config')],
	names: (text) => [...awsProfiles(text).keys()],
	assignments(text, { launch, provider, choice }) {
		const excluded = awsProfiles(text)
			.get(choice.name)
			?.find((key) => AWS_EXCLUDES.test(key));
		if (excluded !== undefined) throw conflict(`${choice.name}: ${excluded}`);
		const slot = { format: 'aws', profile: choice.name } as const;
		return [{ slot, value: awsCommand(launch, ['credential-process', provider]) }];
	},
	rivals: () => [],
	line: ({ launch, provider }) => `credential_process = ${awsCommand(launch, ['credential-process', provider])}`,
};

/** What may stand beside `exec`; everything else in a user is another credential. */
const KUBE_NEUTRAL = /^(exec|as|as-uid|as-groups|as-user-extra|extensions)$/;
const EXEC_API = 'client.authentication.k8s.io/v1';

const kubectl: Tool = {
	id: 'kubectl',
	label: 'kubectl',
	files({ homeFolder, env }) {
		const named = env.KUBECONFIG?.split(path.delimiter).filter((file) => file !== '') ?? [];
		return named.length > 0 ? named : [path.join(homeFolder, '.kube', 'config')];
	},
	names: (text) => [...kubeUsers(text).keys()],
	assignments(text, { launch, provider, choice }) {
		const fields = kubeUsers(text).get(choice.name);
		const excluded = fields?.find((key) => !KUBE_NEUTRAL.test(key));
		if (excluded !== undefined) throw conflict(`${choice.name}: ${excluded}`);
		const value = {
			apiVersion: EXEC_API,
			command: launcherPath(launch),
			args: ['exec-credential', provider],
			interactiveMode: 'Never',
		};
		return [{ slot: { format: 'kube', user: choice.name, added: fields === undefined }, value }];
	},
	rivals: () => [],
	line: ({ launch, provider, choice }) =>
		[
			`kubectl config set-credentials ${choice.name === '' ? 'USER' : JSON.stringify(choice.name)}`,
			`--exec-api-version=${EXEC_API} --exec-command=${JSON.stringify(launcherPath(launch))}`,
			`--exec-arg=exec-credential --exec-arg=${provider} --exec-interactive-mode=Never`,
		].join(' '),
};

/** Tools that know only variables: the token is put into the environment of this one program. */
function runByExec(id: ToolId, label: string, program: string): Tool {
	const none = (): never => {
		throw new FileProblem('unsupported', 'the tool has no hook for a command');
	};
	return {
		id,
		label,
		files: () => [],
		names: () => [],
		assignments: none,
		rivals: () => [],
		line: ({ provider }) => `agent-auth exec ${provider} -- ${program}`,
	};
}

export const TOOLS: readonly Tool[] = [
	claude,
	codex,
	git,
	aws,
	kubectl,
	runByExec('opencode', 'opencode', 'opencode'),
	runByExec('gemini', 'Gemini CLI', 'gemini'),
];

function conflict(subject: string): FileProblem {
	return new FileProblem('conflict', 'something else in the file excludes the change', { subject });
}
