# make install, make uninstall, make deb, make rpm: all of them from the one list of files in install.sh.

PREFIX ?= /usr
DESTDIR ?=
LIBEXECDIR := $(PREFIX)/libexec
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
# Wherever the rest is: podman and CRI-O read no other directory unless they are told to.
HOOKSDIR ?= /usr/share/containers/oci/hooks.d
DOCDIR ?= $(PREFIX)/share/doc/underlay
# Debian's is vendor-completions.
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions

BUILT = $(or $(CARGO_TARGET_DIR),target)/$(TARGET)/release
PACKED ?= target/package
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)

# Undecided, and said here alone: where the packages say that their maintainers are, and where the project is.
MAILBOX ?= underlay@example.org
HOMEPAGE ?=

# The programs know where the others are (layout.rs of underlay, bundle.rs of the command).
ifneq ($(PREFIX),/usr)
export UNDERLAY_HELPER := $(LIBEXECDIR)/underlay/underlay-nsenter
export UNDERLAY_HOOK := $(LIBEXECDIR)/oci/hooks.d/underlay-hook
endif
# So that packages are the same bytes wherever they are built, and name nobody's directories.
export CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_RUSTFLAGS := --remap-path-prefix=$(CURDIR)=underlay \
  --remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)=cargo

.PHONY: install uninstall deb rpm

install uninstall:
	@BUILT='$(BUILT)' DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' HOOKSDIR='$(HOOKSDIR)' UNITDIR='$(UNITDIR)' \
	  SYSUSERSDIR='$(SYSUSERSDIR)' TMPFILESDIR='$(TMPFILESDIR)' DOCDIR='$(DOCDIR)' ZSHDIR='$(ZSHDIR)' \
	  packaging/install.sh $@

# By each distribution's own tools, which their people can read and which need no building.
deb: PACKAGES := debhelper dpkg-dev
deb: packages build
	rm -rf $(PACKED)/deb && mkdir -p $(PACKED)/deb/source
	cp -r packaging/debian $(PACKED)/deb/source/
	cd $(PACKED)/deb/source/debian && sed -i 's|@MAILBOX@|$(MAILBOX)|' control changelog
	$(if $(HOMEPAGE),sed -i '1a Homepage: $(HOMEPAGE)' $(PACKED)/deb/source/debian/control)
	cd $(PACKED)/deb/source && SOURCE=$(CURDIR) dpkg-buildpackage --build=binary --unsigned-changes --unsigned-buildinfo
	cp $(PACKED)/deb/underlay_$(VERSION)_amd64.deb $(PACKED)/

rpm: PACKAGES := rpm
rpm: packages build
	rm -rf $(PACKED)/rpm && mkdir -p $(PACKED)/rpm
	SOURCE_DATE_EPOCH=$$(date -d "$$(sed -n 's/^ -- .*>  //p;T;q' packaging/debian/changelog)" +%s) \
	  rpmbuild -bb --quiet --define "_topdir $(abspath $(PACKED))/rpm" \
	    --define "source $(CURDIR)" --define "upstream_version $(VERSION)" \
	    --define "mailbox $(MAILBOX)" $(if $(HOMEPAGE),--define "homepage $(HOMEPAGE)") packaging/underlay.spec
	cp $(PACKED)/rpm/RPMS/x86_64/underlay-$(VERSION)-1.x86_64.rpm $(PACKED)/
