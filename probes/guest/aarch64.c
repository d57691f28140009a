// SPDX-License-Identifier: GPL-2.0-only
/*
 * arm64: EL1 with its MMU on from the first instruction, the virtual timer, a GIC in the kernel,
 * stores to where nothing is for calls.
 *
 * The MMU is on so that the guest's view of its memory is cacheable, as the VMM's is; with it off,
 * the two would not agree on hardware whose stage 2 cannot force attributes (before Armv8.4).
 */
#include "aarch64.h"

#include <stdbool.h>
#include <sys/ioctl.h>

#include "arch.h"
#include "counter.h"
#include "device.h"

extern const uint8_t guest_start[];
extern const uint8_t guest_peer[];
extern const uint8_t guest_ticker[];

#define MEMORY_BASE 0x40000000

/* Scratch memory. With 39 bits of address and 4 KiB granules, level 1 is the first: 1 GiB each. */
#define LEVEL1_AT	(SCRATCH_OFFSET + 0x0000)
#define BLOCK_BYTES	0x40000000ull
#define BLOCK		0x1ull
#define BLOCK_ATTR(n)	((uint64_t)(n) << 2)
#define BLOCK_INNER	(3ull << 8)
#define BLOCK_ACCESSED	(1ull << 10)
#define BLOCK_NOEXECUTE (3ull << 53)

/* Arm ARM, the system registers by their names there. */
#define MAIR_DEVICE_THEN_NORMAL 0xff00
#define TCR_T0SZ_39_BITS	25
#define TCR_CACHED_INNER	(1ull << 8 | 1ull << 10 | 3ull << 12)
#define TCR_EPD1		(1ull << 23)
#define SCTLR_RES1		0x30d00800
#define SCTLR_M_C_I		0x1005
#define CPACR_FPEN		(3ull << 20)

#define SYS(op0, op1, crn, crm, op2) ARM64_SYS_REG(op0, op1, crn, crm, op2)
#define SCTLR_EL1		     SYS(3, 0, 1, 0, 0)
#define CPACR_EL1		     SYS(3, 0, 1, 0, 2)
#define TTBR0_EL1		     SYS(3, 0, 2, 0, 0)
#define TCR_EL1			     SYS(3, 0, 2, 0, 2)
#define MAIR_EL1		     SYS(3, 0, 10, 2, 0)
#define VBAR_EL1		     SYS(3, 0, 12, 0, 0)

#define CORE(name)                                                                                 \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(name))

#define IPA_BITS_DEFAULT 40

static int gic;
static bool gic_is_v2;

/* 40 bits of guest physical address unless the CPU has fewer: api.rst, KVM_CREATE_VM. */
static unsigned long vm_type(int kvm)
{
	int bits = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_VM_IPA_SIZE);

	return bits > 0 && bits < IPA_BITS_DEFAULT ? KVM_VM_TYPE_ARM_IPA_SIZE(bits) : 0;
}

static void set_gic(uint32_t group, uint64_t number, uint64_t *value)
{
	struct kvm_device_attr attr = {
		.group = group,
		.attr = number,
		.addr = (uintptr_t)value,
	};

	KVM_DO(gic, KVM_SET_DEVICE_ATTR, &attr);
}

static void place_gic(uint64_t part, uint64_t address)
{
	set_gic(KVM_DEV_ARM_VGIC_GRP_ADDR, part, &address);
}

static bool knows(const struct vm *vm, uint32_t type)
{
	struct kvm_create_device device = {.type = type, .flags = KVM_CREATE_DEVICE_TEST};

	return !ioctl(vm->fd, KVM_CREATE_DEVICE, &device);
}

/* A GICv3 where the host has one: a GICv2 inside it is rarer, and slower. */
static void setup_vm(struct vm *vm)
{
	struct kvm_create_device device = {.type = KVM_DEV_TYPE_ARM_VGIC_V3};

	gic_is_v2 = !knows(vm, device.type);
	if (gic_is_v2)
		device.type = KVM_DEV_TYPE_ARM_VGIC_V2;
	KVM_DO(vm->fd, KVM_CREATE_DEVICE, &device);
	gic = device.fd;
	if (gic_is_v2) {
		place_gic(KVM_VGIC_V2_ADDR_TYPE_DIST, GICD_BASE);
		place_gic(KVM_VGIC_V2_ADDR_TYPE_CPU, GICC_BASE);
	} else {
		place_gic(KVM_VGIC_V3_ADDR_TYPE_DIST, GICD_BASE);
		place_gic(KVM_VGIC_V3_ADDR_TYPE_REDIST, GICR_BASE);
	}
}

static void write_tables(struct vm *vm)
{
	uint64_t *level1 = (uint64_t *)(vm->memory + LEVEL1_AT);

	level1[0] = BLOCK | BLOCK_ATTR(0) | BLOCK_ACCESSED | BLOCK_NOEXECUTE;
	level1[MEMORY_BASE / BLOCK_BYTES] =
		MEMORY_BASE | BLOCK | BLOCK_ATTR(1) | BLOCK_INNER | BLOCK_ACCESSED;
}

static uint64_t get_register(const struct vcpu *vcpu, uint64_t id)
{
	uint64_t value;
	struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)&value};

	KVM_DO(vcpu->fd, KVM_GET_ONE_REG, &reg);
	return value;
}

static void set_register(const struct vcpu *vcpu, uint64_t id, uint64_t value)
{
	struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)&value};

	KVM_DO(vcpu->fd, KVM_SET_ONE_REG, &reg);
}

static const uint8_t *entry(const struct vcpu *vcpu)
{
	if (!vcpu->id)
		return guest_start;
	return vcpu_ticks(vcpu) ? guest_ticker : guest_peer;
}

static void write_registers(const struct vcpu *vcpu)
{
	uint64_t mailbox = MEMORY_BASE + MAILBOX_OFFSET;

	set_register(vcpu, MAIR_EL1, MAIR_DEVICE_THEN_NORMAL);
	set_register(vcpu, TCR_EL1, TCR_T0SZ_39_BITS | TCR_CACHED_INNER | TCR_EPD1);
	set_register(vcpu, TTBR0_EL1, MEMORY_BASE + LEVEL1_AT);
	set_register(vcpu, VBAR_EL1, MEMORY_BASE + VECTORS_OFFSET);
	set_register(vcpu, CPACR_EL1, CPACR_FPEN);
	set_register(vcpu, SCTLR_EL1, SCTLR_RES1 | SCTLR_M_C_I);
	set_register(vcpu, CORE(regs.pc), MEMORY_BASE + (entry(vcpu) - guest_image));
	set_register(vcpu, CORE(regs.regs[0]), mailbox);
	set_register(vcpu, CORE(regs.regs[1]), mailbox + vcpu_peer_offset(vcpu));
	set_register(vcpu, CORE(regs.regs[2]), vcpu->id);
}

/*
 * A fresh vCPU is in EL1 with interrupts masked, as the guest wants, and powered on unless
 * KVM_ARM_VCPU_POWER_OFF is asked for (api.rst, KVM_ARM_VCPU_INIT). The GIC takes no vCPU any more
 * once it is initialised (arm-vgic-v3.rst, KVM_DEV_ARM_VGIC_CTRL_INIT).
 */
static void setup_vcpu(struct vcpu *vcpu)
{
	struct kvm_vcpu_init init;

	KVM_DO(vcpu->vm->fd, KVM_ARM_PREFERRED_TARGET, &init);
	init.features[0] |= 1u << KVM_ARM_VCPU_PSCI_0_2;
	KVM_DO(vcpu->fd, KVM_ARM_VCPU_INIT, &init);
	if (vcpu->id == vcpu->vm->vcpus - 1)
		set_gic(KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
	vcpu->vm->mailbox->features = gic_is_v2 ? 1 << FEATURE_GICV2 : 0;
	write_tables(vcpu->vm);
	write_registers(vcpu);
}

/* KVM routes GSIs to the distributor's own interrupts from the start (vgic-irqfd.c). */
static void setup_device(const struct vm *vm, const struct device *device)
{
	struct kvm_ioeventfd doorbell = {
		.addr = DOORBELL_ADDRESS,
		.len = 4,
		.fd = device->doorbell,
	};

	device_connect_irqfd(vm, device, 0);
	KVM_DO(vm->fd, KVM_IOEVENTFD, &doorbell);
}

static uint64_t counter(const struct vcpu *vcpu)
{
	return get_register(vcpu, KVM_REG_ARM_TIMER_CNT);
}

static uint64_t counter_hz(const struct vcpu *vcpu)
{
	uint64_t hz;

	(void)vcpu;
	__asm__("mrs %0, cntfrq_el0" : "=r"(hz));
	return hz;
}

static unsigned int call(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	if (vcpu_answer_load(vcpu, CALL_ADDRESS))
		return CALL_ROUND_TRIP;
	if (run->exit_reason != KVM_EXIT_MMIO || run->mmio.phys_addr != CALL_ADDRESS)
		return CALL_NONE;
	return run->mmio.data[0];
}

static uint64_t program_counter(const struct vcpu *vcpu)
{
	return get_register(vcpu, CORE(regs.pc));
}

#define SERVED "WFI until an irqfd's SPI, then STR to an ioeventfd at 0x9001000"

/* Indexed by WORKLOAD_*. */
static const struct ability abilities[WORKLOADS] = {
	[WORKLOAD_HALT] = {.instruction = "WFI"},
	[WORKLOAD_EXIT] = {.instruction = "HVC, SMCCC_VERSION"},
	[WORKLOAD_USERSPACE] = {.instruction = "STR to 0x9000000, where nothing is"},
	[WORKLOAD_HYPERCALL] = {.instruction = "HVC, SMCCC_VERSION, as in exit"},
	[WORKLOAD_MMIO] = {.instruction = "LDR from 0x9000000, where nothing is"},
	[WORKLOAD_IPI] = {.instruction = "MSR ICC_SGI1R_EL1, or STR to GICD_SGIR with a GICv2"},
	[WORKLOAD_FPU] = {.instruction = "HVC, SMCCC_VERSION, after writes to V0 to V31"},
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
	.name = "aarch64",
	.memory_base = MEMORY_BASE,
	.memory_align = 0x200000, /* a block of stage 2 with 4 KiB granules */
	.interval_max_ns = UINT32_MAX,
	.peers = PEERS_MAX,
	.counter_source = "CNTFRQ_EL0",
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
