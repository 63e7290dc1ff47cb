"""Who may call the service: API keys and tokens, roles and scopes, rate limits, and origins of browsers."""
