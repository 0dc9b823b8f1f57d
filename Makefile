# Short names for what is done often. Everything works without make, too: the
# recipes are plain go commands.

FUZZTIME ?= 30s
BENCHTIME ?= 1x
KILLS ?= 100

# Kernel tests take root. As a user, test binaries run under sudo.
ROOT := $(if $(filter 0,$(shell id -u)),,-exec sudo)

export CGO_ENABLED = 0

.PHONY: help check test fuzz bench bench-peers bench-read bench-serve bench-logs generate e2e crash

help: ## print this list
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/\1|\2/' | \
		while IFS='|' read -r target text; do printf '  make %-11s %s\n' "$$target" "$$text"; done

check: ## gofmt, vet, staticcheck, floors and comments of packages, generated pages
	@test -z "$$(gofmt -l .)" || { echo 'not formatted:'; gofmt -l .; exit 1; }
	go vet ./...
	GOOS=darwin go vet ./...
	go tool staticcheck ./...
	go test -count=1 .
	go test -run '^TestDocs' ./...

test: ## all tests; kernel tests are skipped unless root
	go test ./...

e2e: ## all tests with those of the kernel, as root, nothing cached
	go test -count=1 $(ROOT) ./...

crash: ## kill weir serve KILLS (100) times under traffic, as root, and count what is delivered
	go test -count=1 -timeout 1h $(ROOT) -run '^TestCrash$$' -v ./cmd/weir -crash.kills $(KILLS)

fuzz: ## every fuzz target for FUZZTIME (30s)
	.ci/fuzz $(FUZZTIME)

bench: ## every benchmark, BENCHTIME (1x) each
	go test -run '^$$' -bench . -benchtime $(BENCHTIME) $(ROOT) ./...

# sudo -E: what to run is told by a variable.
bench-peers: ## compare capture with softflowd, nfdump, pmacct, as root
	WEIR_PEERS=3 go test -count=1 -timeout 40m -v -run '^TestPeers' $(if $(ROOT),-exec 'sudo -E') ./internal/capture

bench-read: ## compare weir top with DuckDB, mawk and inflating alone
	WEIR_READ_SPEED=7 go test -count=1 -timeout 40m -v -run '^TestReadSpeed$$' ./cmd/weir

bench-serve: ## measure weir serve with 200 interfaces and 20 flow logs, as root
	WEIR_LOAD=1 go test -count=1 -timeout 20m -v -run '^TestServeLoad' $(if $(ROOT),-exec 'sudo -E') ./cmd/weir

bench-logs: ## measure a million events of weir serve's log groups, as root
	WEIR_LOAD=1 go test -count=1 -timeout 20m -v -run '^TestLogsLoad' $(if $(ROOT),-exec 'sudo -E') ./cmd/weir

generate: ## compile kernel programs, write generated pages; fail if they change
	go generate ./...
	git diff --exit-code
