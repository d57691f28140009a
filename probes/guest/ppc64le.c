// SPDX-License-Identifier: GPL-2.0-only
/*
 * ppc64le: real mode from the first instruction, the decrementer, hypercalls for calls.
 */
#include "ppc64le.h"

#include <sys/platform/ppc.h>

#include "arch.h"
#include "counter.h"

/* Power ISA, Book III: bits of MSR and LPCR by their names there. */
#define MSR_SF	 (1ull << 63)
#define MSR_ME	 (1ull << 12)
#define MSR_RI	 (1ull << 1)
#define MSR_LE	 (1ull << 0)
#define LPCR_ILE (1ull << 25)

/* HV where the host has it, PR otherwise: api.rst, KVM_CREATE_VM. */
static unsigned long vm_type(int kvm)
{
	(void)kvm;
	return 0;
}

static void setup_vm(struct vm *vm)
{
	(void)vm;
}

/* KVM-HV runs nothing but PAPR partitions; H_CEDE and H_CONFER it answers by itself then. */
static void become_partition(const struct vcpu *vcpu)
{
	struct kvm_enable_cap papr = {.cap = KVM_CAP_PPC_PAPR};

	KVM_DO(vcpu->fd, KVM_ENABLE_CAP, &papr);
}

static void take_interrupts_little_endian(const struct vcpu *vcpu)
{
	uint64_t lpcr;
	struct kvm_one_reg reg = {.id = KVM_REG_PPC_LPCR_64, .addr = (uintptr_t)&lpcr};

	KVM_DO(vcpu->fd, KVM_GET_ONE_REG, &reg);
	lpcr |= LPCR_ILE;
	KVM_DO(vcpu->fd, KVM_SET_ONE_REG, &reg);
}

static void setup_vcpu(struct vcpu *vcpu)
{
	struct kvm_regs regs = {
		.pc = START_OFFSET,
		.msr = MSR_SF | MSR_ME | MSR_RI | MSR_LE,
		.gpr[3] = MAILBOX_OFFSET,
	};

	become_partition(vcpu);
	take_interrupts_little_endian(vcpu);
	KVM_DO(vcpu->fd, KVM_SET_REGS, &regs);
}

static uint64_t counter_hz(const struct vcpu *vcpu)
{
	(void)vcpu;
	return __ppc_get_timebase_freq();
}

static unsigned int call(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	if (run->exit_reason != KVM_EXIT_PAPR_HCALL || run->papr_hcall.nr != H_PUT_TERM_CHAR)
		return CALL_NONE;
	run->papr_hcall.ret = 0;
	return run->papr_hcall.args[0];
}

static uint64_t program_counter(const struct vcpu *vcpu)
{
	struct kvm_regs regs;

	KVM_DO(vcpu->fd, KVM_GET_REGS, &regs);
	return regs.pc;
}

/* Indexed by WORKLOAD_*. */
static const struct ability abilities[WORKLOADS] = {
	[WORKLOAD_HALT] = {.instruction = "H_CEDE"},
	[WORKLOAD_EXIT] = {.instruction = "H_CONFER to all, with no other vCPU"},
	[WORKLOAD_USERSPACE] = {.instruction = "H_PUT_TERM_CHAR"},
	[WORKLOAD_HYPERCALL] = {.reason = "the guest for this architecture does not do it yet"},
	[WORKLOAD_MMIO] = {.reason = "the guest for this architecture does not do it yet"},
	[WORKLOAD_IPI] = {.reason = "the guest for this architecture does not do it yet"},
	[WORKLOAD_FPU] = {.reason = "the guest for this architecture does not do it yet"},
};

static struct ability ability(int kvm, unsigned int workload)
{
	(void)kvm;
	return abilities[workload];
}

const struct arch arch = {
	.name = "ppc64le",
	.memory_base = 0,
	.memory_align = 0x200000,	/* a large page of radix translation */
	.interval_max_ns = 4000000000u, /* the decrementer has 31 bits, mostly at 512 MHz */
	.counter_source = "timebase frequency of /proc/cpuinfo",
	.ability = ability,
	.vm_type = vm_type,
	.setup_vm = setup_vm,
	.setup_vcpu = setup_vcpu,
	.counter_hz = counter_hz,
	.timer_ticks = counter_ticks,
	.call = call,
	.program_counter = program_counter,
};
