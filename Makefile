# Needs Go, git, gcc and make; builds everything else. See docs/dev.md.
KUBE      := v1.36.1
CACHE     := $(CURDIR)/.cache
LAB       := $(CACHE)/lab/$(KUBE)/labcluster
TESTLAB   := $(CACHE)/cluster-test
GITEA     := v1.26.0
FORGE     := $(CACHE)/forge/$(GITEA)/labforge
TESTFORGE := $(CACHE)/forge-test
PIPELINES := $(CACHE)/pipelines
COMMIT    := $(shell git describe --always --dirty --abbrev=12 2>/dev/null)
LDFLAGS   := -s -w -X main.commit=$(COMMIT)
export GOTOOLCHAIN := local

.PHONY: build image demo test fuzz check lab forge bench agree soak clean FORCE

build: bin/tug            ## the program, in bin/

bin/tug: FORCE
	@CGO_ENABLED=0 hack/go-build.sh tug -trimpath -ldflags '$(LDFLAGS)' -o $@ ./cmd/tug

$(LAB): FORCE
	@lab/cluster/build.sh $@

lab: $(LAB)               ## a Kubernetes control plane for trying things; prints its KUBECONFIG
	@$(LAB) up --dir $(CACHE)/cluster

$(FORGE): FORCE
	@lab/forge/build.sh $@

forge: $(FORGE)           ## a Gitea for trying things; prints what tests need to use it
	@$(FORGE) up --dir $(CACHE)/forge-lab >&2
	@echo "export LABFORGE=$(FORGE) TUG_LAB_FORGE=$(CACHE)/forge-lab"

image: bin/tug            ## tug's own container image, in .cache/image; IMAGE_REGISTRY=host/path publishes it
	@bin/tug build -o $(CACHE)/image $(if $(IMAGE_REGISTRY),--push --registry $(IMAGE_REGISTRY))

demo: bin/tug $(LAB)      ## the main job, from render to delete; DEMO_KEEP=0 tears the cluster down
	@TUG=$(CURDIR)/bin/tug LABCLUSTER=$(LAB) DEMO_DIR=$(CACHE)/demo hack/demo.sh

test: $(LAB) $(FORGE)     ## all tests on a fresh cluster and forge, race detector on
	@test -z "$$CI" || hack/install-pipeline-tools.sh $(PIPELINES)
	@echo "building the tests with the race detector (some minutes with a cold cache), then running them" >&2
	@LABCLUSTER=$(LAB) LAB_DIR=$(TESTLAB) LABFORGE=$(FORGE) FORGE_DIR=$(TESTFORGE) hack/with-lab.sh hack/with-forge.sh go test -race -shuffle=on -timeout 40m $(TESTFLAGS) ./...
	@echo "testing the labs and the bench, which are modules of their own" >&2
	@cd lab/cluster && go test -timeout 20m $(TESTFLAGS) ./...
	@cd lab/forge && LABFORGE=$(FORGE) go test -timeout 10m $(TESTFLAGS) ./...
	@cd lab/pipelines && GITLAB_SCHEMA=$(PIPELINES)/gitlab-ci.schema.json go test -timeout 10m $(TESTFLAGS) ./...
	@cd bench && go test -timeout 10m $(TESTFLAGS) ./...

fuzz:                     ## every fuzz target for FUZZ_TIME (default 10s) each
	@hack/fuzz.sh

check:                    ## formatting, vet, linters, architecture
	@hack/check.sh

bench: bin/tug $(LAB) $(FORGE) ## compare with peers; rewrites bench/RESULTS.md
	@cd bench && TUG=$(CURDIR)/bin/tug LABCLUSTER=$(LAB) CACHE=$(CACHE)/bench go run .
	@cd bench && TUG=$(CURDIR)/bin/tug LABFORGE=$(FORGE) go run ./promote

agree: $(LAB)             ## compare verdicts of tug check with kubeconform, kube-score and a server (needs TUG_CORPORA)
	@LABCLUSTER=$(LAB) LAB_DIR=$(CACHE)/cluster-agree hack/with-lab.sh sh -c 'cd bench/checks && go test -count=1 -v ./...'

soak: bin/tug $(LAB)      ## kill deploys at random moments (SOAK_RUNS, default 50) and look for leaks
	@TUG=$(CURDIR)/bin/tug LABCLUSTER=$(LAB) LAB_DIR=$(CACHE)/cluster-soak hack/with-lab.sh hack/kill-test.sh

clean:                    ## stop clusters and forges that make started and remove what it built
	@for d in $(CACHE)/cluster $(TESTLAB) $(CACHE)/demo/cluster $(CACHE)/cluster-soak $(CACHE)/cluster-agree; do test ! -d $$d || $(LAB) down --dir $$d; done
	@for d in $(CACHE)/forge-lab $(TESTFORGE); do test ! -d $$d || $(FORGE) down --dir $$d; done
	@rm -rf bin $(CACHE)
