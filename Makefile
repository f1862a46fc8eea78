# make test    the tests: as root on Debian it first installs the servers and the browser that they use; elsewhere it needs Go
#              and nothing else, and says what it leaves out
# make check   what has to pass as well before a change is proposed; needs a C compiler, for the race detector
# make soak    the tests at full size: every setting of every server, many more seeds, weeks and inputs; takes hours
# make bench   what sessions cost, beside those that people use today: tables, report.html and benchmarks.json

SHELL    := /bin/sh
# What takes longest comes first, so that the others are tested beside it, and of those the stores and drivers.
SLOWEST  := ./examples/shop/browsertest ./examples ./cmd/coatcheck
MODULES  := $(SLOWEST) $(filter-out $(SLOWEST),$(patsubst %/go.mod,%,$(shell find . -name go.mod -not -path './.*' | sort -r)))
LINT     := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME := 2000x
# Many tests wait for a server or a disk, so that more of them run at once than there are processors. The linter vets.
TEST     := go test -p 4 -vet=off

# Modules and packages where the race detector has nothing to see: they drive programs from outside, or send one request
# after the other to what other packages' tests send many at once.
OUTSIDE  := ./benchmarks ./examples/shop/browsertest ./examples/with ./examples/fiberv3 ./migrate/proof
OUTSIDE_PACKAGES := /internal/modules$$|/examples$$|/examples/(articles|chi|echo|echov5|fiber|gin|login|nethttp|shop)(/pages)?$$
# SQLite translated to Go takes the detector ten times as long, and locks by means that the detector does not know.
UNWATCHED := -gcflags=modernc.org/...=-race=false
# What has users whose versions may be older than the newest: what its module requires is the oldest that passes.
OLDEST   := ./adapters ./adapters/echov5 ./migrate/gorillastore ./stores/memcachestore ./stores/redisstore

# The modules that belong to go.work.
WORKSPACE := $(filter $(shell cat go.work),$(MODULES))

# each runs a command in the folders of modules: within the workspace if the module belongs to it, else by itself.
each = @for m in $(2); do \
	case " $(WORKSPACE) " in *" $$m "*) w=;; *) w=off;; esac; \
	echo "$$m: $(1)"; (cd "$$m" && GOWORK=$$w $(1)) || exit 1; \
done

# alone runs a go command in the folders of modules without a workspace. The command's module replaces no other, or
# nobody could install it: it is read with replacements, from a copy of its go.mod.
alone = @scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && for m in $(3); do \
	echo "$$m: $(1) $(2), by itself"; file=; \
	if [ "$$m" = ./cmd/coatcheck ]; then \
		file=-modfile=$$scratch/go.mod; cp $$m/go.mod $$m/go.sum $$scratch; \
		for s in $(MODULES); do \
			p=github.com/coatcheck/coatcheck$${s\#.}; \
			grep -q "$$p v" $$m/go.mod && go mod edit -replace $$p=$(CURDIR)/$$s $$scratch/go.mod; \
		done; \
	fi; \
	(cd "$$m" && GOWORK=off $(1) $$file $(2)) || exit 1; \
done

.PHONY: test workspace apart deps check soak bench fmt lint tidy race fuzz build oldest

# What is not in the workspace is tested beside it: by itself it would keep one processor busy.
test: deps
	@$(MAKE) --no-print-directory -j2 TEST='$(TEST)' workspace apart

# The newest versions that are known to work, which the workspace has.
workspace:
	$(TEST) $(addsuffix /...,$(WORKSPACE))

# One package at a time, because the workspace has the processors busy.
apart:
	$(call each,$(TEST) -p 1 ./...,$(filter-out $(WORKSPACE),$(MODULES)))

# Debian's packages with what sessions are taken over from, by the module in them; the command prints those that are missing.
PYTHON := flask flask_login flask_session flask_sqlalchemy django django_redis redis pymemcache psycopg2 msgpack MySQLdb
PYTHON_MISSES := for m in $(PYTHON); do \
	[ -d /usr/lib/python3/dist-packages/$$m ] || \
		echo python3-$$m | tr '[:upper:]_' '[:lower:]-'; \
	done | tr '\n' ' '

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
	have nodejs node; have npm npm; \
	missing="$$missing $$($(PYTHON_MISSES))"; missing=$${missing% }; \
	[ -z "$$missing" ] && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing:$$missing"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq$$missing >/dev/null && exit 0; \
	fi; \
	echo "NOT TESTED ON THIS MACHINE: what needs$$missing (apt-get install$$missing)" >&2

check: fmt build tidy oldest lint race fuzz

# SOAK is for internal/soak, which the tests ask for their size.
soak: export SOAK := 1
soak: TEST += -timeout 6h
soak: FUZZTIME := 500000x
soak: test race fuzz

bench:
	go run ./benchmarks -json benchmarks.json

fmt:
	@out=$$(gofmt -l .); if [ -n "$$out" ]; then echo "gofmt these files:"; echo "$$out"; exit 1; fi

# A user has a module without a workspace around it. The other modules are tested in this way.
build:
	$(call alone,go build -o /dev/null,./...,$(filter-out $(OLDEST),$(WORKSPACE)))

tidy:
	$(call alone,go mod tidy -diff,,$(MODULES))

oldest: deps
	@for m in $(OLDEST); do echo "$$m: the oldest versions"; (cd "$$m" && GOWORK=off $(TEST) ./...) || exit 1; done

# The modules of the workspace share one run, which reads what they import once.
lint:
	go run $(LINT) run $(addsuffix /...,$(WORKSPACE))
	$(call each,go run $(LINT) run ./...,$(filter-out $(WORKSPACE),$(MODULES)))

# Short: a store's suite is run once for each database, and not under each of its settings.
race: deps
	$(TEST) -race -short $(UNWATCHED) $$(go list $(addsuffix /...,$(filter-out $(OUTSIDE),$(WORKSPACE))) | \
		grep -vE '$(OUTSIDE_PACKAGES)')
	$(call each,$(TEST) -race -short ./...,$(filter-out $(OUTSIDE) $(WORKSPACE),$(MODULES)))

# Every fuzz target, for a moment each: make fuzz FUZZTIME=10m takes longer. Counted runs end exactly; timed ones may be
# cut off in the middle of an input and then count as failed.
# Two at a time: most of the time goes into building them.
fuzz:
	@grep -rEoH --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | xargs -P 2 -I {} sh -c ' \
		found="{}"; name=$${found#*func }; dir=$${found%/*}; echo "fuzz $$name in $$dir"; \
		cd "$$dir" && $(TEST) -run "^$$" -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) . </dev/null'
