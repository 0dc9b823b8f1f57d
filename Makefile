# Short names for what is done often. Everything works without make, too: the
# recipes are plain go commands.

FUZZTIME ?= 30s
BENCHTIME ?= 1x

# Kernel tests take root. As a user, test binaries run under sudo.
ROOT := $(if $(filter 0,$(shell id -u)),,-exec sudo)

export CGO_ENABLED = 0

.PHONY: help check test fuzz bench generate e2e

help: ## print this list
	@grep -E '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9]+):.*## (.*)/\1|\2/' | \
		while IFS='|' read -r target text; do printf '  make %-10s %s\n' "$$target" "$$text"; done

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

fuzz: ## every fuzz target for FUZZTIME (30s)
	.ci/fuzz $(FUZZTIME)

bench: ## every benchmark, BENCHTIME (1x) each
	go test -run '^$$' -bench . -benchtime $(BENCHTIME) $(ROOT) ./...

generate: ## compile kernel programs, write generated pages; fail if they change
	go generate ./...
	git diff --exit-code
