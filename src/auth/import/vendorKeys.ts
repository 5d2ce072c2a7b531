/** The variables in which the API keys of model vendors and gateways are usually kept. */

export type VendorKey = {
	/** As people write it. */
	readonly vendor: string;
	/** What the id or the label of a provider for it contains, in lower case without anything but letters and digits. */
	readonly hints: readonly string[];
};

const OPENAI: VendorKey = { vendor: 'OpenAI', hints: ['openai'] };
const ANTHROPIC: VendorKey = { vendor: 'Anthropic', hints: ['anthropic', 'claude'] };
const GEMINI: VendorKey = { vendor: 'Google Gemini', hints: ['gemini', 'googleai'] };
const GITHUB: VendorKey = { vendor: 'GitHub', hints: ['github'] };
const HUGGING_FACE: VendorKey = { vendor: 'Hugging Face', hints: ['huggingface'] };

const KEYS: ReadonlyMap<string, VendorKey> = new Map([
	['OPENAI_API_KEY', OPENAI],
	['CODEX_API_KEY', OPENAI],
	['ANTHROPIC_API_KEY', ANTHROPIC],
	['ANTHROPIC_AUTH_TOKEN', ANTHROPIC],
	['CLAUDE_CODE_OAUTH_TOKEN', ANTHROPIC],
	['GEMINI_API_KEY', GEMINI],
	['GOOGLE_API_KEY', GEMINI],
	['GOOGLE_GENERATIVE_AI_API_KEY', GEMINI],
	['AZURE_OPENAI_API_KEY', { vendor: 'Azure OpenAI', hints: ['azure'] }],
	['MISTRAL_API_KEY', { vendor: 'Mistral', hints: ['mistral'] }],
	['GROQ_API_KEY', { vendor: 'Groq', hints: ['groq'] }],
	['XAI_API_KEY', { vendor: 'xAI', hints: ['xai', 'grok'] }],
	['DEEPSEEK_API_KEY', { vendor: 'DeepSeek', hints: ['deepseek'] }],
	['COHERE_API_KEY', { vendor: 'Cohere', hints: ['cohere'] }],
	['OPENROUTER_API_KEY', { vendor: 'OpenRouter', hints: ['openrouter'] }],
	['TOGETHER_API_KEY', { vendor: 'Together', hints: ['together'] }],
	['FIREWORKS_API_KEY', { vendor: 'Fireworks', hints: ['fireworks'] }],
	['PERPLEXITY_API_KEY', { vendor: 'Perplexity', hints: ['perplexity'] }],
	['CEREBRAS_API_KEY', { vendor: 'Cerebras', hints: ['cerebras'] }],
	['AI_GATEWAY_API_KEY', { vendor: 'Vercel AI Gateway', hints: ['gateway', 'vercel'] }],
	['LITELLM_API_KEY', { vendor: 'LiteLLM', hints: ['litellm'] }],
	['HF_TOKEN', HUGGING_FACE],
	['HUGGINGFACE_API_KEY', HUGGING_FACE],
	['GITHUB_TOKEN', GITHUB],
	['GH_TOKEN', GITHUB],
	['COPILOT_GITHUB_TOKEN', GITHUB],
]);

export function vendorOf(variable: string): VendorKey | undefined {
	return KEYS.get(variable);
}

/** Whether a provider of this id or label is one for that vendor, as far as names can tell. */
export function isFor({ hints }: VendorKey, provider: { readonly id: string; readonly label: string }): boolean {
	const names = [provider.id, provider.label].map((name) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, ''));
	return hints.some((hint) => names.some((name) => name.includes(hint)));
}
