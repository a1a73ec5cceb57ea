# SPDX-License-Identifier: GPL-2.0
# The kernel's BPF tests, of which only those of the series: there are a thousand
# others, and their Makefile builds all or none.
#
# make -f test_progs.mk LINUX=tree VMLINUX=file O=dir TESTS='name...' PROGS='name...'
CLANG ?= clang-19
BPFTOOL ?= bpftool
# bpftool is among the administrator's tools.
export PATH := $(PATH):/usr/sbin:/sbin

bpf := $(LINUX)/tools/testing/selftests/bpf
libbpf := $(O)/libbpf/libbpf.a

# Of the runner's own files, what these tests need.
runner := test_progs test_loader testing_helpers cgroup_helpers trace_helpers \
	unpriv_helpers cap_helpers network_helpers btf_helpers sysctl_helpers \
	netlink_helpers jit_disasm_helpers io_helpers disasm disasm_helpers \
	json_writer bpftool_helpers

includes := -I$(bpf) -I$(O) -I$(O)/include -I$(LINUX)/tools/lib \
	-I$(LINUX)/tools/include -I$(LINUX)/tools/arch/x86/include \
	-I$(LINUX)/tools/include/uapi
CFLAGS := -O1 -g -std=gnu11 -D_GNU_SOURCE= $(includes)
BPF_CFLAGS := -target bpf -mcpu=v3 -O2 -g -std=gnu11 -fno-strict-aliasing \
	-Wall -Werror -Wno-compare-distinct-pointer-types -Wno-unused-function \
	-fms-extensions -Wno-microsoft-anon-tag \
	-D__TARGET_ARCH_x86 -I$(O) -I$(O)/include -I$(bpf) -I$(bpf)/progs

headers := $(wildcard $(bpf)/*ns_kfuncs.h) $(bpf)/ns_helpers.h
skeletons := $(PROGS:%=$(O)/%.skel.h)

here := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))

$(O)/test_progs: $(runner:%=$(O)/%.o) $(O)/no_session_key.o \
		$(TESTS:%=$(O)/prog_tests/%.o) $(libbpf)
	$(CC) -Wl,--wrap=syscall -o $@ $^ -lelf -lz -lrt -lpthread

$(O)/no_session_key.o: $(here)no_session_key.c
	$(CC) $(CFLAGS) -Wall -Werror -c -o $@ $<

$(libbpf):
	@mkdir -p $(O)/libbpf
	$(MAKE) -C $(LINUX)/tools/lib/bpf OUTPUT=$(O)/libbpf/ DESTDIR=$(O) \
		prefix= $@ install_headers

# Nothing of ours is signed: see no_session_key.c.
$(O)/verification_cert.h:
	printf '%s\n' 'unsigned char test_progs_verification_cert[] = { 0 };' \
		'unsigned int test_progs_verification_cert_len;' >$@

$(O)/prog_tests/tests.h: Makefile.tests
	@mkdir -p $(@D)
	printf 'DEFINE_TEST(%s)\n' $(TESTS) >$@

# The list of tests is an input like any file.
Makefile.tests:
.PHONY: Makefile.tests

$(O)/test_progs.o: $(O)/prog_tests/tests.h $(O)/verification_cert.h
# The runner's warnings aren't ours.
$(runner:%=$(O)/%.o): $(O)/%.o: $(bpf)/%.c $(libbpf)
	$(CC) $(CFLAGS) -w -c -o $@ $<

$(TESTS:%=$(O)/prog_tests/%.o): $(O)/prog_tests/%.o: \
		$(bpf)/prog_tests/%.c $(skeletons) $(headers)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Wall -Werror -c -o $@ $<

$(O)/vmlinux.h: $(VMLINUX)
	$(BPFTOOL) btf dump file $< format c >$@.new
	mv $@.new $@

$(PROGS:%=$(O)/%.bpf.o): $(O)/%.bpf.o: $(bpf)/progs/%.c \
		$(O)/vmlinux.h $(libbpf) $(headers)
	$(CLANG) $(BPF_CFLAGS) -c -o $@ $<

$(skeletons): $(O)/%.skel.h: $(O)/%.bpf.o
	$(BPFTOOL) gen object $(O)/$*.linked.o $<
	$(BPFTOOL) gen skeleton $(O)/$*.linked.o name $* >$@.new
	mv $@.new $@
