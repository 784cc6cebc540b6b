package git

// WithoutCredentials is a URL of a repository as it may be shown and recorded:
// without passwords, tokens, queries and fragments.
func WithoutCredentials(remote string) string { return withoutCredentials(remote) }
