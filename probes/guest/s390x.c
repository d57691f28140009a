// SPDX-License-Identifier: GPL-2.0-only
/*
 * s390x: 64-bit real mode from the first instruction, the clock comparator, DIAGNOSE for calls.
 */
#include "s390x.h"

#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>

#include "arch.h"
#include "counter.h"
#include "device.h"

/* Principles of Operation, "Program-Status-Word Format" and "Control Registers". */
#define PSW_64_BITS	     0x0000000180000000ull
#define CR0_SERVICE_SIGNAL   0x200
#define CR0_CLOCK_COMPARATOR 0x800
#define CR0_EXTERNAL_CALL    0x2000
#define CR0_VECTOR	     0x20000
#define CR0_ALL_FLOATING     0x40000 /* 16 floating-point registers, not 4 */

/* "TOD-Clock Format": bit 51 is a microsecond. */
#define TOD_HZ 4096000000ull

/* The address of a control block, as a service signal brings it: any will do. */
#define SCCB 0x1000

/* KVM's interception code of an instruction, and the first byte of DIAGNOSE. */
#define ICPT_INSTRUCTION 4
#define OPCODE_DIAGNOSE	 0x83

static unsigned long vm_type(int kvm)
{
	(void)kvm;
	return 0;
}

static bool has_vector(const struct vm *vm)
{
	return ioctl(vm->kvm, KVM_CHECK_EXTENSION, KVM_CAP_S390_VECTOR_REGISTERS) > 0;
}

static void setup_vm(struct vm *vm)
{
	struct kvm_enable_cap vector = {.cap = KVM_CAP_S390_VECTOR_REGISTERS};

	if (has_vector(vm))
		KVM_DO(vm->fd, KVM_ENABLE_CAP, &vector);
}

static uint64_t expected(const struct vcpu *vcpu)
{
	if (vcpu->id)
		return vcpu_ticks(vcpu) ? CR0_CLOCK_COMPARATOR : CR0_EXTERNAL_CALL;
	return workload_has_device(vcpu->vm->workload) ? CR0_SERVICE_SIGNAL : CR0_CLOCK_COMPARATOR;
}

/* KVM looks at notifications by itself only when it knows of channel I/O (diag.c). */
static void enable_channels(const struct vcpu *vcpu)
{
	struct kvm_enable_cap channels = {.cap = KVM_CAP_S390_CSS_SUPPORT};

	KVM_DO(vcpu->fd, KVM_ENABLE_CAP, &channels);
}

/* Interrupts of several vCPUs must not meet in one lowcore ("Prefixing"). */
static void give_lowcore(const struct vcpu *vcpu)
{
	uint64_t prefix = SCRATCH_OFFSET + (vcpu->id - 1) * LOWCORE_BYTES;

	memcpy(vcpu->vm->memory + prefix, guest_image, LOWCORE_BYTES);
	vcpu->run->s.regs.prefix = prefix;
	vcpu->run->kvm_dirty_regs |= KVM_SYNC_PREFIX;
}

static uint64_t entry(const struct vcpu *vcpu)
{
	if (!vcpu->id)
		return START_OFFSET;
	return vcpu_ticks(vcpu) ? TICK_OFFSET : PEER_OFFSET;
}

static void setup_vcpu(struct vcpu *vcpu)
{
	struct kvm_regs regs = {
		.gprs[2] = MAILBOX_OFFSET,
		.gprs[3] = MAILBOX_OFFSET + vcpu_peer_offset(vcpu),
		.gprs[9] = vcpu_ticks(vcpu),
	};
	struct kvm_sregs sregs;

	KVM_DO(vcpu->fd, KVM_GET_SREGS, &sregs);
	/* Only what is expected: a comparator never set is always due. */
	sregs.crs[0] = CR0_ALL_FLOATING | expected(vcpu);
	if (has_vector(vcpu->vm)) {
		sregs.crs[0] |= CR0_VECTOR;
		vcpu->vm->mailbox->features = FEATURE_VECTOR;
	}
	if (workload_has_device(vcpu->vm->workload))
		enable_channels(vcpu);
	KVM_DO(vcpu->fd, KVM_SET_SREGS, &sregs);
	KVM_DO(vcpu->fd, KVM_SET_REGS, &regs);
	vcpu->run->psw_mask = PSW_64_BITS;
	vcpu->run->psw_addr = entry(vcpu);
	if (vcpu_ticks(vcpu))
		give_lowcore(vcpu);
}

/* Documentation/virt/kvm/s390/s390-diag.rst, "DIAGNOSE function code 0x500", subcode 3. */
static void setup_device(const struct vm *vm, const struct device *device)
{
	struct kvm_ioeventfd doorbell = {
		.addr = DEVICE_ID,
		.len = 8,
		.datamatch = DEVICE_QUEUE,
		.fd = device->doorbell,
		.flags = KVM_IOEVENTFD_FLAG_VIRTIO_CCW_NOTIFY | KVM_IOEVENTFD_FLAG_DATAMATCH,
	};

	KVM_DO(vm->fd, KVM_IOEVENTFD, &doorbell);
}

/*
 * A service signal: a floating interrupt, which any vCPU may take that has it enabled
 * (Principles of Operation, "Service Signal"). Irqfds are for adapters only here.
 */
static void interrupt(const struct device *device)
{
	struct kvm_s390_interrupt service = {.type = KVM_S390_INT_SERVICE, .parm = SCCB};

	KVM_DO(device->vm->fd, KVM_S390_INTERRUPT, &service);
}

static uint64_t counter(const struct vcpu *vcpu)
{
	uint64_t difference;
	uint64_t host;
	struct kvm_one_reg reg = {.id = KVM_REG_S390_EPOCHDIFF, .addr = (uintptr_t)&difference};

	KVM_DO(vcpu->fd, KVM_GET_ONE_REG, &reg);
	__asm__ volatile("stck %0" : "=Q"(host) : : "cc");
	return host + difference;
}

static uint64_t counter_hz(const struct vcpu *vcpu)
{
	(void)vcpu;
	return TOD_HZ;
}

static unsigned int call(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;

	if (run->exit_reason != KVM_EXIT_S390_SIEIC ||
	    run->s390_sieic.icptcode != ICPT_INSTRUCTION ||
	    run->s390_sieic.ipa >> 8 != OPCODE_DIAGNOSE || run->s390_sieic.ipb >> 16 != DIAG_CALL)
		return CALL_NONE;
	return run->s.regs.gprs[1];
}

static uint64_t program_counter(const struct vcpu *vcpu)
{
	return vcpu->run->psw_addr;
}

#define SERVED                                                                                     \
	"LPSWE of an enabled wait until a service signal, then DIAGNOSE 0x500 to an ioeventfd"

/* Indexed by WORKLOAD_*. */
static const struct ability abilities[WORKLOADS] = {
	[WORKLOAD_HALT] = {.instruction = "LPSWE of an enabled wait"},
	[WORKLOAD_EXIT] = {.instruction = "DIAGNOSE 0x9c to itself"},
	[WORKLOAD_USERSPACE] = {.instruction = "DIAGNOSE 0x500"},
	[WORKLOAD_HYPERCALL] = {.instruction = "DIAGNOSE 0x9c to itself, as exit"},
	[WORKLOAD_MMIO] = {.reason = "s390x has no memory-mapped I/O"},
	[WORKLOAD_IPI] = {.instruction = "SIGP, external call"},
	[WORKLOAD_FPU] = {.instruction = "VL to V0-V31 or LD to F0-F15, then DIAGNOSE 0x9c"},
	[WORKLOAD_NET_RR] = {.instruction = SERVED},
	[WORKLOAD_NET_STREAM] = {.instruction = SERVED},
	[WORKLOAD_DISK_RR] = {.instruction = SERVED},
};

static struct ability ability(int kvm, unsigned int workload)
{
	(void)kvm;
	return abilities[workload];
}

const struct arch arch = {
	.name = "s390x",
	.memory_base = 0,
	.memory_align = 0x100000,
	.interval_max_ns = UINT32_MAX,
	.peers = (MAILBOX_OFFSET - SCRATCH_OFFSET) / LOWCORE_BYTES,
	.counter_source = "TOD clock, 4096 units to the microsecond",
	.ability = ability,
	.vm_type = vm_type,
	.setup_vm = setup_vm,
	.setup_vcpu = setup_vcpu,
	.setup_device = setup_device,
	.interrupt = interrupt,
	.counter_hz = counter_hz,
	.counter = counter,
	.timer_ticks = counter_ticks,
	.call = call,
	.program_counter = program_counter,
};
