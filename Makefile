# Everything here needs Rust (rustup) and, for `make test` and `make demo`, root on Debian 12.

TARGET := x86_64-unknown-linux-musl
BINARIES := --package underlay-hook --package underlay-nsenter --package underlay-cli
PACKAGES := runc crun podman catatonit iproute2 iputils-ping busybox-static tcpdump jq procps \
            mandoc zsh fish qemu-system-x86 kmod cpio xz-utils python3-minimal \
            debhelper dpkg-dev rpm lintian rpmlint debootstrap systemd bird2 frr \
            libseccomp-dev binutils g++

.PHONY: build man completions schema documents test fuzz demo bench order clean target packages cargo-deny

# Static binaries: a hook runs on every container start, and most of a small program's time goes to its linker.
build: target
	cargo build --release --target $(TARGET) $(BINARIES)

# Manual pages, completions and the JSON Schema, in target/doc: all from the command itself.
man completions schema: documents
documents: build
	$${CARGO_TARGET_DIR:-target}/$(TARGET)/release/underlay documents target/doc

test: packages target cargo-deny
	tests/run.sh

# Each target for so long. What they find is in target/fuzz/found.
FUZZ_SECONDS := 600
fuzz: packages
	fuzz/run.sh $(FUZZ_SECONDS)

demo: packages build
	tests/demo.sh

# What it costs, beside others: some minutes, best on an idle machine. BENCH="--rounds 200 --format json" and the like.
bench: PACKAGES += containernetworking-plugins netavark strace
bench: packages build
	cargo build --release --target $(TARGET) --package bench
	cargo bench --quiet --package bench -- $(BENCH)

# Which functions a container's start calls, for the linker: to be run when the compiler or much of the code has changed.
order: packages target
	tests/order.sh

clean:
	cargo clean

target:
	@rustup target list --installed | grep -qx $(TARGET) || rustup target add $(TARGET)

include packaging/package.mk

# Installs what is missing where that is possible, and otherwise says what to type. Elsewhere than on Debian, `make rpm` finds
# what it needs, or says what it does not find. BIRD and FRR would be started, with the machine's own routes in reach: policy-rc.d
# prevents it.
packages:
	@command -v dpkg-query >/dev/null || exit 0; \
	missing=$$(for p in $(PACKAGES); do dpkg-query -Wf '$${db:Status-Abbrev}' $$p 2>/dev/null | grep -q ^ii || echo $$p; done); \
	if [ -z "$$missing" ]; then exit 0; fi; \
	line="apt-get install --yes --no-install-recommends" && set -- $$missing && \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  policy=/usr/sbin/policy-rc.d; \
	  [ -e $$policy ] || { trap "rm -f $$policy" EXIT; printf '#!/bin/sh\nexit 101\n' >$$policy; chmod 755 $$policy; }; \
	  apt-get -qq update && DEBIAN_FRONTEND=noninteractive $$line "$$@"; \
	else \
	  echo "missing packages; as root: $$line $$*" >&2; exit 1; \
	fi

cargo-deny:
	@command -v cargo-deny >/dev/null || cargo install cargo-deny --locked
