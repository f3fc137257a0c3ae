# Two commands are all a newcomer needs:
#   make run    build everything and serve a demo practice
#   make test   install what the tests need, and run them all
# Both need Go, Node and apt, and nothing else.

.PHONY: run build web api test check lint fuzz-seeds vuln defences bench budgets screens clean help

help: ## list what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

run: build ## build, then serve a demo practice and print its addresses and sign-ins
	./bin/sotto serve --demo

build: web ## build the web pages and the three programs into bin/
	go build -trimpath -o bin/ ./cmd/sotto ./cmd/sotto-hub ./cmd/sotto-keeper

web: ## build the web pages and the core into web/dist
	./scripts/web

api: ## make the API's description, its TypeScript types and its examples anew from package api
	go generate ./internal/httpapi
	npm --prefix web run --silent api
	go test ./internal/httpapi -run Golden -update

test: ## install what the tests need, then run all of them
	./scripts/test

screens: ## look at every screen in every language, theme and size; pictures go to e2e/artifacts
	npm --prefix web run --silent stories
	npm --prefix web run --silent stories:console
	npm --prefix web run --silent stories:admin

lint: ## run the linters
	./scripts/lint

vuln: ## look for known vulnerabilities
	./scripts/vuln

defences: ## remove each defence of sign-in, consent and access once, and see that its test fails
	SOTTO_DEFENCES=1 go test ./internal/architecture -run TestTestsNoticeDefences -count=1 -timeout 60m -v

fuzz-seeds: ## run every fuzz target on its seeds, then for a few seconds
	./scripts/fuzz

budgets: build ## measure what a person waits for, in a throttled browser and by Lighthouse
	./scripts/budgets

bench: build ## measure messages a second, latency and memory on this machine
	./bin/sotto bench

clean: ## remove what was built
	rm -rf bin web/dist/* e2e/artifacts .tools
