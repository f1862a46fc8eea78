# make test    what everybody can run: needs Go and nothing else, and tests against what servers and browser there are
# make check   what has to pass before a change is proposed; needs a C compiler too, for the race detector
# make bench   what sessions cost, beside those that people use today: tables, report.html and benchmarks.json

SHELL    := /bin/sh
MODULES  := $(patsubst %/go.mod,%,$(shell find . -name go.mod -not -path './.*'))
LINT     := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME := 20000x

# each runs a command in every module's folder. A module that would raise the others' versions is not in go.work and stands alone.
each = @for m in $(MODULES); do echo "$$m: $(1)"; \
	(grep -q "^[[:space:]]$$m$$" go.work || export GOWORK=off; cd "$$m" && $(1)) || exit 1; done

.PHONY: test deps check bench fmt vet lint tidy race fuzz build

test: deps
	$(call each,go test ./...)

# The servers that stores are tested against and the browser for the shop's pages: what is missing is installed if this
# is root on Debian. Nobody else's machine is touched. The tests start servers of their own and stop them.
deps:
	@missing=; \
	have() { package=$$1; shift; for p in "$$@"; do command -v $$p >/dev/null && return; [ -x $$p ] && return; done; missing="$$missing $$package"; }; \
	have redis-server redis-server; \
	have postgresql postgres /usr/lib/postgresql/*/bin/postgres; \
	have pgbouncer pgbouncer /usr/sbin/pgbouncer; \
	have mariadb-server mariadbd /usr/sbin/mariadbd; \
	have memcached memcached; \
	have chromium chromium chromium-browser google-chrome google-chrome-stable; \
	[ -z "$$missing" ] && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing:$$missing"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq$$missing >/dev/null && exit 0; \
	fi; \
	echo "NOT TESTED ON THIS MACHINE: what needs$$missing (apt-get install$$missing)" >&2

check: fmt vet build tidy lint race fuzz

bench:
	go run ./benchmarks -json benchmarks.json

fmt:
	@out=$$(gofmt -l .); if [ -n "$$out" ]; then echo "gofmt these files:"; echo "$$out"; exit 1; fi

vet:
	$(call each,go vet ./...)

# A user has this module alone, without a workspace around it.
build:
	GOWORK=off go build ./...

tidy:
	$(call each,go mod tidy -diff)

lint:
	$(call each,go run $(LINT) run ./...)

# The nested modules drive programs from outside, where the detector sees nothing.
race: deps
	go test -race ./...

# Every fuzz target, for a moment each: FUZZTIME=10m make fuzz takes longer. Counted runs end exactly; timed ones may be
# cut off in the middle of an input and then count as failed.
fuzz:
	@grep -rEoH --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | while IFS=: read -r file func; do \
		name=$${func#func }; echo "fuzz $$name in $${file%/*}"; \
		(cd "$${file%/*}" && go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) . </dev/null) || exit 1; \
	done
