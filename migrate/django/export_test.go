package fromdjango

// For the vectors of Django's signing, of which sessions are one use.
var (
	Signature    = signature
	Base62       = base62
	FormatBase62 = formatBase62
)
