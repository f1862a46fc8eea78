package main

import "github.com/alecthomas/kong"

// helpTexts are what the flags' tags have no room for.
var helpTexts = kong.Vars{
	"auditAALHelp":      "The authenticator assurance level of NIST 800-63B-4: 1, 2 or 3. By default 2.",
	"auditStandardHelp": "One of asvs, nist and owasp. By default all.",
	"auditSourceHelp":   "A file with the settings, the http or https address that shows them, or '-', standard input.",
	"countTopHelp":      "How many of the subjects and clients with the most sessions to name: by default 10.",
	"copyFromHelp":      "The store to take sessions from. A URL with a password belongs in the environment variable.",
	"copyToHelp":        "The store to take them to. As above.",
	"copyMoveHelp": "Move: each session leaves the source as it arrives. For applications that use both stores " +
		"meanwhile, by package movingstore.",
	"inspectKeysFileHelp": "The file that holds the keys of sealed sessions, written as in COATCHECK_KEYS, or with --as " +
		"those of the other system, one a line.",
	"inspectAs":     "coatcheck,flask,django,gorilla,express,scs",
	"inspectAsHelp": "Whose cookie it is: coatcheck, flask, django, gorilla, express or scs.",
	"inspectLifetimeHelp": "With --as: how long the other system's sessions last, if not as long as by default there, " +
		"like 336h.",
	"inspectSealerHelp": "What sealed the session: any, securecookie or aead.",
	"inspectNameHelp": "The manager's name, where the application sets session.Options.Name. By default what follows " +
		"the prefix in the cookie's name, or id. With --as, the name of the other system's cookie, where " +
		"the cookie comes without one.",
	"inspectCookieHelp": "The cookie's value, NAME=VALUE, or a whole Cookie or Set-Cookie line. Left out or '-', it is " +
		"read from standard input, out of sight of process lists and the shell's history.",
	"keygenNameHelp": "Name of the key, by default the date: 1 to 32 letters, digits, '-', '_' or '.'. Names are not " +
		"secret; they tell keys apart.",
	"listLimitHelp":     "List at most so many: by default 100.",
	"listSortHelp":      "Which ones come first: created, last-seen or expires, latest first.",
	"listSubjectHelp":   "Whom the sessions belong to, as the application calls it in Login: user:42, for instance.",
	"revokeHandleHelp":  "Which session, where its subject is not known.",
	"schemaDialectHelp": "Print for this database, without a store: sqlite, postgres or mysql, which is MariaDB's too.",
	"storeStoreHelp": "The store, like redis://host:6379 or sqlite:///var/lib/app/sessions.db. A URL with a password " +
		"belongs in the environment variable, because process lists show arguments.",
	"storeTimeoutHelp":     "Give up after this long: by default 30s, at most 1h.",
	"storeLongTimeoutHelp": "Give up after this long: by default 1h, at most 24h.",
	"sweepTimeoutHelp": "Give up after this long: by default 1h, at most 24h. A batch that takes longer than 30s ends " +
		"it sooner.",
	"uiAddrHelp": "Where the page is, on this machine only: by default 127.0.0.1:0, which is any free port.",
}
