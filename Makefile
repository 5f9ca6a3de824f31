# Lapwing: two words are enough. `make run` builds and starts it, `make test` runs every test.
# Both set a fresh Debian 12 machine up first (Swift 6.3 must be there).

release := .build-release/release/lapwing
build_release := swift build -c release --static-swift-stdlib --scratch-path .build-release --product lapwing -Xlinker -s -Xlinker --no-export-dynamic \
	--explicit-target-dependency-import-check error

.PHONY: run build test test-end-to-end soak bench format lint setup clean

## Build the release binary and start a server on http://127.0.0.1:9090 with its data in ./data.
run: build
	$(release) serve

build: setup
	$(build_release)

## Every test: the suites, the shipped rules, and the release binary from end to end.
test: setup-tests
	swift build --build-tests --explicit-target-dependency-import-check error
	swift test --skip-build --disable-xctest --skip EndToEndTests
	$(build_release)
	LAPWING=$(CURDIR)/$(release) swift test --skip-build --disable-xctest --no-parallel --filter EndToEndTests

test-end-to-end: build
	LAPWING=$(CURDIR)/$(release) swift test --disable-xctest --no-parallel --filter EndToEndTests

## The long forms of the tests within a budget: `make soak MINUTES=60`. Tests/README.md says what they are.
soak: build setup-tests
	Tests/soak $(MINUTES)

## What the scrape path and the store cost, stage by stage.
bench: setup
	swift run -c release --scratch-path .build-release StoreBenchmarks 10000 100000 1000000
	swift run -c release --scratch-path .build-release StoreBenchmarks recorded

lint:
	swift format lint --strict --recursive Package.swift Sources Tests Benchmarks

format:
	swift format --in-place --recursive Package.swift Sources Tests Benchmarks

.PHONY: setup-tests
setup:
	@.ci/setup
setup-tests:
	@.ci/setup --tests

clean:
	rm -rf .build .build-release .build-fuzz .build-soak
