# Every target is one command that a person could type. `make run` and `make test` are those of the README.
CARGO ?= cargo
# How the daemon is started; the tests put it under another user.
RUN_AS ?=
# Where `make install` puts things.
PREFIX ?= /usr/local

.PHONY: run build install uninstall uinput deb snap test check portable architectures advisories sbom fuzz simulate endurance bench pictures

## Builds everything and starts the daemon on its embedded defaults; Ctrl-C ends it.
run: build
	exec $(RUN_AS) target/release/deskconnd $(ARGS)

## Builds the phone app, the extension and the programs.
build:
	bash clients/build.sh
	$(CARGO) build --release --locked
	if command -v python3 >/dev/null; then bash packaging/notices.sh target/THIRD-PARTY; fi

## Installs what `make build` made, as root: below PREFIX, or for a package below DESTDIR.
install:
	PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) bash packaging/install.sh install

## Removes exactly what `make install` has installed.
uninstall:
	PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) bash packaging/install.sh uninstall

## Lets whoever sits at the machine type slide keys, for good; as root.
uinput:
	sh packaging/uinput.sh

## Makes the Debian package.
deb: build
	bash packaging/order.sh
	BIN=target/ordered bash packaging/deb.sh

## Sets up what the tests need (as root: with apt) and runs every test.
test:
	bash tests/run.sh

## What a contributor runs before each commit: format, lints, unit and integration tests, documentation.
check:
	bash tests/run.sh build check

## Whether all but the daemon and the desktop's functions compiles for Windows and macOS.
portable:
	bash tests/portable.sh

## Whether the programs work on the other architectures that packages are made for, run by QEMU.
architectures:
	bash tests/architectures.sh

## Whether a fault is known of a dependency; needs a network.
advisories:
	bash tests/dependencies.sh advisories

## Bills of materials of both programs (CycloneDX), into target/sbom.
sbom:
	bash tests/dependencies.sh sbom

## Each fuzz target for five minutes, or for SECONDS=n.
fuzz:
	bash tests/fuzz/run.sh $${SECONDS_EACH:-300}

## An hour of everything at once, or SECONDS_LONG=n; as root, for a network of its own.
endurance: build
	$(CARGO) build --locked --example endurance
	bash tests/endurance/run.sh target/release $${SECONDS_LONG:-3600}

## Ten million random operations on a realm.
simulate:
	DESKCONN_SIMULATION=$${OPERATIONS:-10000000} $(CARGO) test --release -p deskconn-wamp nothing_is_lost_doubled_or_left_behind

## Takes the pictures of the phone app anew, as root.
pictures: build
	$(CARGO) build --locked --example stage
	DESKCONN_EXAMPLES=target/debug/examples DESKCONN_PICTURES=$(CURDIR)/docs/pictures bash tests/browser/run.sh target/release pictures

## The snap for this machine, in target/snap; snap/README.md says how to install it.
snap: build
	bash packaging/order.sh
	BIN=target/ordered bash snap/build.sh target/snap

## Micro-benchmarks; benches/README.md says how routers are compared.
bench:
	$(CARGO) bench
