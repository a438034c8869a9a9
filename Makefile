# One line of help per target: "target: ## what it does".

GO      ?= go
PAGE    := node/web/client
BIN     := bin/atoll
LINTER  := .bin/golangci-lint-v2.15.0
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
# ARGS are further flags of `make run`, and of all nodes of `make mesh`: make run ARGS="--http :9000".
ARGS    ?=

# The program is static: it runs on any Linux, and in an empty container. The race detector needs the C compiler.
export CGO_ENABLED := 0

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help build run test check lint vet unit race page-test install lab lab-test lab-clean fuzz fuzz-mesh bench bench-quick soak code-test load-test vanish-test soak-test e2e mesh clean FORCE

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

build: $(BIN) ## build bin/atoll, the page inside

run: $(BIN) ## build and run one node: http://localhost:8080, data in ./data
	$(BIN) run --data ./data $(ARGS)

test: ## run every test; needs root, installs what is missing
	$(MAKE) build
	$(MAKE) -j 4 install code-test vanish-test soak-test
	$(MAKE) load-test
	$(MAKE) e2e
	$(MAKE) lab-test

# What needs neither a node nor what install brings: one after the other, they keep the machine busy.
code-test:
	$(MAKE) lint
	$(MAKE) page-test
	$(MAKE) vet
	$(MAKE) race
	$(MAKE) unit
	$(MAKE) fuzz-mesh

check: ## run everything that needs no root: lint, vet, unit and page tests
	$(MAKE) lint
	$(MAKE) page-test
	$(MAKE) build
	$(MAKE) vet
	$(MAKE) unit

lint: $(LINTER) ## run the linters and check the format
	$(LINTER) run ./...

# With these tags no file is left out: nothing says !lab or !load.
vet:
	$(GO) vet -tags lab,load ./...

unit: ## run the Go tests
	$(GO) test -p 3 ./...

race: ## run the Go tests with the race detector, the long simulations shortened
	CGO_ENABLED=1 sh tools/race.sh $(GO) test -race -short -p 3 -timeout 20m ./...

page-test: $(PAGE)/node_modules/.package-lock.json ## run the tests of the page
	cd $(PAGE) && npm test

install:
	sh tools/lab/install.sh

lab: $(BIN) ## run the network lab: real nodes, real browsers, an emulated WAN; needs root
	$(MAKE) install
	$(MAKE) lab-test

# The page in a real browser against a real node.
e2e: $(BIN)
	cd $(PAGE) && ATOLL_BIN=$(CURDIR)/$(BIN) npm run e2e

# What a node spends, measured on the real binary.
load-test: $(BIN)
	$(GO) test -tags load -count=1 -p 1 -timeout 20m -skip '^Test(Vanished|Churn)' -v ./tools/load ./tools/load/bench

# What a node gives back. It waits for four minutes, works for some seconds, and counts: it may run beside others.
vanish-test: $(BIN)
	$(GO) test -tags load -count=1 -timeout 20m -run '^TestVanished' -v ./tools/load

# Whether a node grows. Three minutes at a seventh of a core, which others are to have first.
soak-test: $(BIN)
	nice -n 5 $(GO) test -tags load -count=1 -timeout 20m -run '^TestChurn' -v ./tools/load

# The files with tests that need the lab. The other tests of their packages run with the unit tests.
LABS = $(shell grep -rl --include=*_test.go '^//go:build.*\blab\b' node cascade signaling turn geo tools 2>/dev/null)

lab-test: $(BIN)
	$(GO) test -tags lab -count=1 -p 1 -timeout 30m $(sort $(dir $(addprefix ./,$(LABS)))) \
		-run "^($$(sed -n 's/^func \(Test[A-Za-z0-9_]*\)(.*/\1/p' $(LABS) | sort -u | paste -sd '|'))\$$"

lab-clean: ## remove what killed labs left behind; needs root
	$(GO) run ./tools/lab/cmd/lab down

# FUZZTIME is how long each target is fuzzed.
FUZZTIME ?= 10s

fuzz: ## fuzz every parser for FUZZTIME, 10s
	@grep -rn --include=*_test.go -o '^func Fuzz[A-Za-z0-9_]*' node cascade signaling turn geo tools | \
	while IFS=: read -r file line func; do \
		name=$${func#func }; \
		echo "$$(dirname $$file) $$name"; \
		$(GO) test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) ./$$(dirname $$file) </dev/null || exit 1; \
	done

# What other nodes and strangers send to the mesh ports, each parser for 20 s, six at a time.
fuzz-mesh:
	@grep -rn --include=*_test.go -o '^func Fuzz[A-Za-z0-9_]*' cascade/wire cascade/link cascade/member cascade/standby | \
	sed 's|^\(.*\)/[^/]*:[0-9]*:func \(.*\)$$|./\1 \2|' | grep -v FuzzMemory | \
	xargs -P 6 -L 1 sh -c 'exec sh tools/fuzz.sh "$$0" "$$1" 20s'

# What is measured: go doc ./tools/load/bench. ARGS are further flags: make bench ARGS="-v --only 1-to-50".
bench: $(BIN) ## print the benchmark: CPU per forwarded packet beside other servers in one run; needs Debian's janus
	$(GO) run ./tools/load/cmd/load bench --json bench.json --svg bench.svg $(ARGS)

bench-quick: $(BIN) ## the same beside plain pion alone, in two minutes
	$(GO) run ./tools/load/cmd/load bench --quick --window 2s $(ARGS)

soak: $(BIN) ## let 100 people come to a node and go for an hour, and see whether it grows
	$(GO) run ./tools/load/cmd/load soak $(ARGS)

mesh: $(BIN) ## build and run three nodes (eu, us, ap): http://localhost:8080 to 8082, data in ./data/mesh
	@sh tools/mesh.sh $(BIN) ./data/mesh $(ARGS)

clean: ## remove what was built
	rm -rf bin $(PAGE)/dist

# Go knows best whether the binary is up to date.
$(BIN): $(PAGE)/dist/index.html FORCE
	$(GO) build -trimpath -ldflags '-X github.com/atoll-mesh/atoll/node.Version=$(VERSION)' -o $@ ./node/cmd/atoll

$(PAGE)/dist/index.html: $(PAGE)/node_modules/.package-lock.json $(shell find $(PAGE) -path '*/node_modules' -prune -o -path '*/dist' -prune -o -type f -print 2>/dev/null)
	cd $(PAGE) && npm run build
	touch $@

# npm leaves a copy of the lock file that says what is installed.
$(PAGE)/node_modules/.package-lock.json: $(PAGE)/package-lock.json
	cd $(PAGE) && npm ci --no-audit --no-fund --loglevel=error
	touch $@

$(LINTER):
	mkdir -p .bin
	GOBIN=$(CURDIR)/.bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(patsubst .bin/golangci-lint-%,%,$(LINTER))
	mv .bin/golangci-lint $@
