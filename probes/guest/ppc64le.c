// SPDX-License-Identifier: GPL-2.0-only
/*
 * ppc64le: real mode from the first instruction, the decrementer, hypercalls for calls.
 */
#include "ppc64le.h"

#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/platform/ppc.h>

#include "arch.h"
#include "counter.h"
#include "device.h"

extern const uint8_t guest_start[];
extern const uint8_t guest_peer[];
extern const uint8_t guest_ticker[];

/* Power ISA, Book III: bits of MSR and LPCR by their names there. */
#define MSR_SF	 (1ull << 63)
#define MSR_VEC	 (1ull << 25)
#define MSR_VSX	 (1ull << 23)
#define MSR_FP	 (1ull << 13)
#define MSR_ME	 (1ull << 12)
#define MSR_RI	 (1ull << 1)
#define MSR_LE	 (1ull << 0)
#define LPCR_ILE (1ull << 25)

/* Of the device's interrupt: any but the least favoured. */
#define PRIORITY 5

/* HV where the host has it, PR otherwise: api.rst, KVM_CREATE_VM. */
static unsigned long vm_type(int kvm)
{
	(void)kvm;
	return 0;
}

static int xics;

/* A vCPU brings its own timer; an interrupt controller is for other vCPUs and for a device. */
static bool has_xics(const struct vm *vm)
{
	return vm->vcpus > 1 || workload_has_device(vm->workload);
}

static void setup_vm(struct vm *vm)
{
	struct kvm_create_device device = {.type = KVM_DEV_TYPE_XICS};

	if (!has_xics(vm))
		return;
	KVM_DO(vm->fd, KVM_CREATE_DEVICE, &device);
	xics = device.fd;
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

/* From then on KVM answers H_IPI, H_XIRR, H_EOI and H_CPPR by itself. */
static void connect_to_xics(const struct vcpu *vcpu)
{
	struct kvm_enable_cap irq = {.cap = KVM_CAP_IRQ_XICS, .args = {xics, vcpu->id}};

	KVM_DO(vcpu->fd, KVM_ENABLE_CAP, &irq);
}

static const uint8_t *entry(const struct vcpu *vcpu)
{
	if (!vcpu->id)
		return guest_start;
	return vcpu_ticks(vcpu) ? guest_ticker : guest_peer;
}

/*
 * A message-signalled source of the XICS for server 0
 * (Documentation/virt/kvm/devices/xics.rst); KVM takes a GSI for a source's number.
 */
static void setup_device(const struct vm *vm, const struct device *device)
{
	uint64_t source = (uint64_t)PRIORITY << KVM_XICS_PRIORITY_SHIFT;
	struct kvm_device_attr attr = {
		.group = KVM_DEV_XICS_GRP_SOURCES,
		.attr = DEVICE_IRQ,
		.addr = (uintptr_t)&source,
	};
	struct kvm_ioeventfd doorbell = {
		.addr = DOORBELL_ADDRESS,
		.len = 4,
		.fd = device->doorbell,
	};

	KVM_DO(xics, KVM_SET_DEVICE_ATTR, &attr);
	device_connect_irqfd(vm, device, DEVICE_IRQ);
	KVM_DO(vm->fd, KVM_IOEVENTFD, &doorbell);
}

/* KVM-PR has no offset: the guest reads the host's timebase. */
static uint64_t counter(const struct vcpu *vcpu)
{
	uint64_t offset = 0;
	struct kvm_one_reg reg = {.id = KVM_REG_PPC_TB_OFFSET, .addr = (uintptr_t)&offset};

	if (ioctl(vcpu->fd, KVM_GET_ONE_REG, &reg))
		offset = 0;
	return __ppc_get_timebase() + offset;
}

static void setup_vcpu(struct vcpu *vcpu)
{
	struct kvm_regs regs = {
		.pc = entry(vcpu) - guest_image,
		.msr = MSR_SF | MSR_VEC | MSR_VSX | MSR_FP | MSR_ME | MSR_RI | MSR_LE,
		.gpr[3] = MAILBOX_OFFSET,
		.gpr[4] = MAILBOX_OFFSET + vcpu_peer_offset(vcpu),
	};

	become_partition(vcpu);
	take_interrupts_little_endian(vcpu);
	if (has_xics(vcpu->vm))
		connect_to_xics(vcpu);
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

	if (vcpu_answer_load(vcpu, MMIO_ADDRESS))
		return CALL_ROUND_TRIP;
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

#define SERVED                                                                                     \
	"H_CEDE until an irqfd's interrupt by the XICS, then STW to an ioeventfd at 0x40001000"

/* Indexed by WORKLOAD_*. */
static const struct ability abilities[WORKLOADS] = {
	[WORKLOAD_HALT] = {.instruction = "H_CEDE"},
	[WORKLOAD_EXIT] = {.instruction = "H_CONFER to all, with no other vCPU"},
	[WORKLOAD_USERSPACE] = {.instruction = "H_PUT_TERM_CHAR"},
	[WORKLOAD_HYPERCALL] = {.instruction = "H_CONFER to all, as in exit"},
	[WORKLOAD_MMIO] = {.instruction = "LWZ from 0x40000000, where nothing is"},
	[WORKLOAD_IPI] = {.instruction = "H_IPI, through the XICS"},
	[WORKLOAD_FPU] = {.instruction = "H_CONFER to all, after writes to VSR 0 to 63"},
	[WORKLOAD_NET_RR] = {.instruction = SERVED},
	[WORKLOAD_NET_STREAM] = {.instruction = SERVED},
	[WORKLOAD_DISK_RR] = {.instruction = SERVED},
};

/*
 * KVM-PR knows fewer hypercalls (book3s_pr_papr.c, kvmppc_h_pr), and is what is there where the
 * kernel offers this capability, which KVM-HV does not have (powerpc.c, check_extension).
 */
static bool is_pr(int kvm)
{
	return ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_PPC_GET_PVINFO) > 0;
}

static bool confers(unsigned int workload)
{
	return workload == WORKLOAD_EXIT || workload == WORKLOAD_HYPERCALL ||
	       workload == WORKLOAD_FPU;
}

static struct ability ability(int kvm, unsigned int workload)
{
	if (confers(workload) && is_pr(kvm))
		return (struct ability){
			.reason = "it exits with H_CONFER, which KVM-PR leaves to the VMM"};
	if ((workload == WORKLOAD_IPI || workload_has_device(workload)) &&
	    ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_IRQ_XICS) <= 0)
		return (struct ability){
			.reason = "this KVM has no XICS (KVM_CAP_IRQ_XICS) to interrupt with"};
	return abilities[workload];
}

const struct arch arch = {
	.name = "ppc64le",
	.memory_base = 0,
	.memory_align = 0x200000,	/* a large page of radix translation */
	.interval_max_ns = 4000000000u, /* the decrementer has 31 bits, mostly at 512 MHz */
	.peers = PEERS_MAX,
	.counter_source = "timebase frequency of /proc/cpuinfo",
	.ability = ability,
	.vm_type = vm_type,
	.setup_vm = setup_vm,
	.setup_vcpu = setup_vcpu,
	.setup_device = setup_device,
	.interrupt = device_signal,
	.counter_hz = counter_hz,
	.counter = counter,
	.timer_ticks = counter_ticks,
	.call = call,
	.program_counter = program_counter,
};
