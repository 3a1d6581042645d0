# bramble: one Makefile, not recursive.  `make help` says what each target does.

VERSION  := 0.1.0
COMMIT   := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
BUILD    ?= build
ifeq ($(origin CC),default)
CC       := gcc
endif
SAN      ?=
WERROR   ?=
PREFIX   ?= /usr
DESTDIR  ?=

# OUT on the command line is where `make image` writes to; builds have a folder of their own.
IMAGE_OUT := $(if $(filter command line,$(origin OUT)),$(OUT))
# `make SAN=address,undefined` builds into a folder of its own.
ifneq ($(SAN),)
override OUT := $(BUILD)/san-$(CC)
SANFLAGS := -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
else
override OUT := $(BUILD)/$(CC)
SANFLAGS :=
endif

PACKAGES := libuv openssl raft avahi-client libsystemd libmnl libcjson libprotobuf-c libnghttp2 inih zlib yaml-0.1

WARN     := -Wall -Wextra -Wformat=2 -Wmissing-prototypes -Wstrict-prototypes -Wshadow -Wundef \
            -Wvla -Wwrite-strings -Wpointer-arith -Wcast-align -Wswitch-enum \
            -Wimplicit-fallthrough -Wnull-dereference $(if $(WERROR),-Werror)
HARDEN   := $(if $(SAN),,-O2 -D_FORTIFY_SOURCE=2) $(if $(SAN),-O1) -fstack-protector-strong
# 32-bit boards too have inodes and offsets that do not fit 32 bits (libuv is built so as well).
CPPFLAGS += -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Iagent -I$(OUT)/gen -MMD -MP \
            -DBRAMBLE_VERSION='"$(VERSION)"' -DBRAMBLE_COMMIT='"$(COMMIT)"'
CFLAGS   += -std=gnu17 -g $(WARN) $(HARDEN) $(SANFLAGS)
PKGFLAGS := $(shell pkg-config --cflags $(PACKAGES))
# The gateway loads SQLite, libcurl and libnats when they are needed; the last one's name changes.
NATS_SO  := $(shell $(CC) $(CFLAGS) -print-file-name=libnats.so)
NATS_SO  := $(shell readelf -d $(NATS_SO) 2>/dev/null | sed -n 's/.*SONAME.*\[\(.*\)\].*/\1/p')
$(OUT)/agent/io/nats_link.o: CPPFLAGS += $(if $(NATS_SO),-DBRAMBLE_NATS_LIBRARY='"$(NATS_SO)"')
LIBS     := $(shell pkg-config --libs $(PACKAGES))
# (A build id would say in which folder it was built, and packages are the same from any.)
LDFLAGS  += -Wl,--build-id=none -Wl,-z,relro,-z,now -Wl,--as-needed $(SANFLAGS)

# ---- what is built ------------------------------------------------------------------------
PURE_SRC := $(wildcard agent/base/*.c agent/core/*.c)
IO_SRC   := $(wildcard agent/io/*.c)
PROTO    := $(wildcard agent/io/*.proto)
PROTO_C  := $(PROTO:agent/io/%.proto=$(OUT)/gen/%.pb-c.c)
PURE_OBJ := $(PURE_SRC:%.c=$(OUT)/%.o)
IO_OBJ   := $(IO_SRC:%.c=$(OUT)/%.o) $(PROTO_C:.c=.o)
LIB      := $(OUT)/libbramble.a

# A program is a folder of agent/; everything in it is linked together with the library.
DAEMON_OBJ  := $(patsubst %.c,$(OUT)/%.o,$(wildcard agent/daemon/*.c))
GATEWAY_OBJ := $(patsubst %.c,$(OUT)/%.o,$(wildcard agent/gateway/*.c))
CLI_OBJ     := $(patsubst %.c,$(OUT)/%.o,$(wildcard agent/cli/*.c))
CRICTL_OBJ  := $(patsubst %.c,$(OUT)/%.o,$(wildcard agent/crictl/*.c))
PULL_OBJ    := $(patsubst %.c,$(OUT)/%.o,$(wildcard agent/pull/*.c))
WATCHDOG_SRC := $(wildcard agent/watchdog/*.c)
PROGRAMS := $(if $(DAEMON_OBJ),$(OUT)/bramble-agent) $(if $(GATEWAY_OBJ),$(OUT)/bramble-gateway) \
            $(if $(CLI_OBJ),$(OUT)/agentctl) $(if $(WATCHDOG_SRC),$(OUT)/fwatchdog) \
            $(if $(CRICTL_OBJ),$(OUT)/crictl) $(if $(PULL_OBJ),$(OUT)/bramble-pull)

UNIT     := $(patsubst tests/unit/%.c,$(OUT)/unit/%,$(wildcard tests/unit/test_*.c))
SIM      := $(patsubst tests/sim/%.c,$(OUT)/sim/%,$(wildcard tests/sim/sim_*.c))
FUZZ     := $(patsubst tests/fuzz/%.c,$(OUT)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: ui test-ui image test-image test-qemu test-ansible test-trixie help all functions deps check build-check unit sim plot fuzz corpus hostile purity cross cross-check test test-kube kubernetes demo demo-down \
        bench deb install uninstall lint format check-format clean

# What says the version is built again when that, or the commit, is another one.
STAMP := $(OUT)/gen/version
$(shell mkdir -p $(OUT)/gen && echo '$(VERSION) $(COMMIT)' | cmp -s - $(STAMP) || echo '$(VERSION) $(COMMIT)' >$(STAMP))
SAYS_VERSION := $(patsubst %.c,$(OUT)/%.o,$(shell grep -lE 'BRAMBLE_(VERSION|COMMIT)' -r agent --include='*.c'))
$(SAYS_VERSION): $(STAMP)

help: ## what each target does
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile
	@printf '\n  SAN=address,undefined  with sanitizers     CC=clang  WERROR=1  DESTDIR=  PREFIX=/usr\n'

all: $(PROGRAMS) functions ## builds the programs and the store's functions into build/

deps: ## installs the Debian packages that building and testing need (as root)
	provision/deps

$(OUT)/%.o: %.c | $(PROTO_C:.c=.h)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(PKGFLAGS) $(CFLAGS) $(if $(filter agent/base/% agent/core/%,$<),-Wconversion) -fPIE -c -o $@ $<

$(OUT)/gen/%.pb-c.c $(OUT)/gen/%.pb-c.h &: agent/io/%.proto
	@mkdir -p $(@D)
	protoc-c --proto_path=agent/io --c_out=$(OUT)/gen $<

$(OUT)/gen/%.pb-c.o: $(OUT)/gen/%.pb-c.c
	$(CC) $(CPPFLAGS) $(PKGFLAGS) $(CFLAGS) -w -fPIE -c -o $@ $<

$(LIB): $(PURE_OBJ) $(IO_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(OUT)/bramble-agent: $(DAEMON_OBJ) $(LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^ $(LIBS)
$(OUT)/bramble-gateway: $(GATEWAY_OBJ) $(LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^ $(LIBS)
CLI_LIBS := $(shell pkg-config --libs libcurl)
TOP_LIBS := $(shell pkg-config --libs ncursesw)
$(OUT)/agentctl: $(CLI_OBJ) $(LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^ $(LIBS) $(CLI_LIBS) $(TOP_LIBS)

# Apart from the agent, which libcurl would make three times as large.
$(OUT)/bramble-pull: $(PULL_OBJ) $(LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^ $(LIBS) $(CLI_LIBS)

$(OUT)/crictl: $(CRICTL_OBJ) $(LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^ $(LIBS)

# fwatchdog is static and small; it takes from base/ and core/ only what it names.  Under SAN it
# stays static and plain: the containers that it runs in have no sanitizer runtime.
WATCHDOG_FLAGS := -std=gnu17 -g -Os $(WARN) -D_FORTIFY_SOURCE=2 -fstack-protector-strong \
                  -ffunction-sections -fdata-sections
$(OUT)/fwatchdog: $(WATCHDOG_SRC) $(PURE_SRC) $(wildcard agent/watchdog/*.h) $(STAMP)
	@mkdir -p $(@D)
	$(CC) $(filter-out -MMD -MP,$(CPPFLAGS)) $(WATCHDOG_FLAGS) -static -Wl,--gc-sections,--build-id=none -o $@ \
		$(WATCHDOG_SRC) $(PURE_SRC)

# The functions of the store: one static program, and the images that are made of it.  For boards of
# several architectures in one archive: BOARDS='PROGRAM...'.
$(OUT)/functions/program: $(wildcard agent/functions/*.c agent/functions/*.h)
	@mkdir -p $(@D)
	$(CC) $(filter-out -MMD -MP,$(CPPFLAGS)) $(WATCHDOG_FLAGS) -static -s -Wl,--gc-sections,--build-id=none -o $@ $(filter %.c,$^)
BOARDS ?= $(OUT)/functions/program
$(OUT)/functions/functions.tar: $(BOARDS) agent/functions/pack agent/functions/names provision/oci.sh $(wildcard agent/functions/public/*)
	agent/functions/pack $(@D) $(VERSION) $(BOARDS)
functions: $(OUT)/functions/functions.tar ## the functions of the store, as images: BOARDS='PROGRAM...' for several architectures

# The page of the dashboard.  What is built is committed in ui/dist, so that nobody needs npm to install it.
ui: ## the page of the dashboard, from npm, into build/ui and ui/dist (which is committed)
	ui/build $(BUILD)/ui

# ---- tests --------------------------------------------------------------------------------
# A unit test may also need objects of a program (not its main): name them in UNIT_OBJ_<test>.
-include tests/unit/objects.mk
$(OUT)/unit/%: tests/unit/%.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(PKGFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(UNIT_OBJ_$*) $(LIB) $(LIBS) -lcmocka
SIM_PARTS := $(filter-out tests/sim/sim_%,$(wildcard tests/sim/*.c))
$(OUT)/sim/%: tests/sim/%.c $(SIM_PARTS) $(wildcard tests/sim/*.h) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(PKGFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $(SIM_PARTS) $< $(LIB) $(LIBS)
$(OUT)/fuzz/%: tests/fuzz/%.c tests/fuzz/replay.c tests/fuzz/fuzz.h $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(PKGFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< tests/fuzz/replay.c $(UNIT_OBJ_$*) $(LIB) $(LIBS)
$(OUT)/fuzz/seeds: tests/fuzz/seeds.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(PKGFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(LIB) $(LIBS)
# Needs root and a kernel of its own: run by tests/live/run.
$(OUT)/live/%: tests/live/%.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(PKGFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(LIB) $(LIBS) -lcmocka
$(OUT)/live/test_crictl: $(OUT)/crictl
$(OUT)/live/test_pull: $(OUT)/bramble-pull

build-check: $(PROGRAMS) $(UNIT) $(SIM) $(FUZZ) $(OUT)/fuzz/seeds # what `make check` runs
check: build-check ## the fast tests: unit, simulation, fuzz corpora, purity; seconds, no root
	tests/run-check $(OUT)

unit: $(UNIT) ## builds the unit tests
sim: $(SIM) ## builds the simulations
plot: $(OUT)/sim/sim_autoscale ## draws what the autoscaler decides on three load shapes: build/*/autoscale-*.svg
	tests/sim/plot $(OUT)
fuzz: ## coverage-guided fuzzing of every parser with clang's libFuzzer, 30 s each (FUZZ_SECONDS=)
	tests/fuzz/run-libfuzzer $(FUZZ:$(OUT)/fuzz/%=%)

corpus: $(OUT)/fuzz/seeds ## writes the fuzz targets' seeds of the binary formats anew, after a format has changed
	$< write tests/fuzz/corpus

purity: $(PURE_OBJ) ## proves that base/ and core/ touch no clock, file, socket or log
	tests/purity $(OUT) $^

cross: ## the programs for another board: ARCH=armhf|arm64 SUITE=bookworm|trixie
	tests/cross all '$(ARCH)' $(SUITE)
cross-check: ## the fast tests for another board, in qemu-user: ARCH= SUITE=
	tests/cross check '$(ARCH)' $(SUITE)

hostile: ## 10,000 hostile requests for a gateway under sanitizers; a minute (HOSTILE=, HOSTILE_SEED=)
	$(MAKE) SAN=address,undefined $(BUILD)/san-$(CC)/bramble-gateway
	tests/live/test_gateway_hostile.sh $(BUILD)/san-$(CC)

test: ## everything: deps, make check, and the lab (as root)
	tests/run-test

test-ui: ## the page in Debian's Chromium against a mock gateway: 3 minutes (URL= a real one, see tests/ui/run)
	tests/ui/run $(URL)

test-kube: ## a real Kubernetes on the lab's boards: builds it once (6 minutes), then 25 minutes (as root)
	TESTS='kube kube_planes kube_faults kube_boards' tests/run-test

test-ansible: ## the playbooks alone, on three boards with sshd: ten minutes (as root)
	TESTS=ansible tests/run-test

test-trixie: ## the package and the playbooks on boards of trixie, built and booted here (as root)
	SUITE=trixie TESTS='package ansible' tests/run-test

test-image: ## the image builder: an image of Debian, one of Raspberry Pi OS's older layout, bad bases
	tests/image/run

test-qemu: all ## a card image on emulated Pis beside two lab boards, and CUTS=10 power cuts; BOARD=raspi3b or raspi2b: that one (as root)
	tests/qemu/all $(BOARD)

kubernetes: ## builds kubeadm, kubelet and the control plane from Debian's source: ARCH= (as root)
	provision/kubernetes

demo: deps ## four boards that become a bramble, two functions deployed and called; KUBE=1: and a Kubernetes cluster (as root)
	$(MAKE) all
	tests/lab/demo up
demo-down: ## ends what `make demo` started
	tests/lab/demo down

BENCH := $(patsubst tests/bench/%.c,$(OUT)/bench/%,$(wildcard tests/bench/*.c))
$(OUT)/bench/%: tests/bench/%.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(PKGFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(LIB) $(LIBS)
$(OUT)/bench/async_peer: LIBS += -lsqlite3
bench: all $(BENCH) ## the promises, each beside its limit or peer, in one run of half an hour (as root)
	tests/bench/run $(OUT)

# ---- installing ---------------------------------------------------------------------------
# Man pages and completion say what the programs say of themselves; EMULATOR runs foreign ones.
EMULATOR ?=
MANUAL   := $(OUT)/manual/complete
$(MANUAL): $(PROGRAMS) provision/manual $(wildcard provision/man/*) systemd/bramble.conf
	provision/manual $(OUT) '$(VERSION)' '$(EMULATOR)'

install: all $(MANUAL) ## puts programs, units, boards, man pages and configuration below DESTDIR
	provision/install $(OUT) '$(DESTDIR)' '$(PREFIX)'

image: all ## a card image: BASE=raspios.img[.xz|.zip] CLUSTER=home OUT=bramble-home.img (see image/README.md)
	@BASE='$(BASE)' ARCH='$(ARCH)' SUITE='$(SUITE)' CLUSTER='$(or $(CLUSTER),home)' AGENTCTL='$(CURDIR)/$(OUT)/agentctl' \
		OUT='$(or $(IMAGE_OUT),bramble-$(or $(CLUSTER),home).img)' image/build

deb: ## a Debian package, in build/deb: ARCH=armhf|arm64|amd64 SUITE=bookworm|trixie
	@VERSION='$(VERSION)' ARCH='$(ARCH)' SUITE='$(SUITE)' BUILD='$(BUILD)' provision/deb

# ---- looking after the code -----------------------------------------------------------------
lint: ## cppcheck, gcc -fanalyzer on base/ and core/, shellcheck, ansible-lint
	tests/lint
format: ## lays out all C files
	clang-format -i $(shell git ls-files '*.c' '*.h')
check-format: ## says which C files are not laid out
	clang-format --dry-run --Werror $(shell git ls-files '*.c' '*.h')

clean: ## removes build/
	rm -rf $(BUILD)

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
