"""The gateway's own door: model calls as OpenAI's and Anthropic's clients make them, passed on and measured."""
