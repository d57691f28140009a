// SPDX-License-Identifier: GPL-2.0-only
/*
 * x86-64: 64-bit mode from the first instruction, the in-kernel local APIC for the timer, port I/O
 * for calls.
 */
#include "x86_64.h"

#include <stdlib.h>

#include "arch.h"
#include "fail.h"

extern const uint8_t guest_start[];
extern const uint8_t guest_on_timer[];

/* Scratch memory, page by page. */
#define PML4_AT	 (SCRATCH_OFFSET + 0x0000)
#define PDPT_AT	 (SCRATCH_OFFSET + 0x1000)
#define PD_AT	 (SCRATCH_OFFSET + 0x2000)
#define GDT_AT	 (SCRATCH_OFFSET + 0x3000)
#define IDT_AT	 (SCRATCH_OFFSET + 0x4000)
#define STACK_AT (SCRATCH_OFFSET + 0x6000) /* grows down */

/* Intel SDM vol. 3, 4.5 and 3.4.5; bits of CR0, CR4 and EFER likewise by their names there. */
#define PAGE_PRESENT_WRITE 0x3
#define PAGE_LARGE	   0x80
#define PAGE_LARGE_BYTES   0x200000
#define PD_ENTRIES	   512
#define GDT_CODE64	   0x00af9b000000ffffull
#define GDT_DATA	   0x00cf93000000ffffull
#define SELECTOR_CODE	   0x08
#define SELECTOR_DATA	   0x10
#define GATE_INTERRUPT	   0x8e00
#define CR0_PE_MP_ET_NE_PG 0x80000033
#define CR4_PAE		   0x20
#define EFER_LME_LMA	   0x500
#define APIC_X2APIC_ENABLE 0xc00
#define RFLAGS_FIXED	   0x2

/* Three pages that VMX without "unrestricted guest" needs: api.rst, KVM_SET_TSS_ADDR. */
#define TSS_ADDRESS 0xfffbd000

#define CPUID_ENTRIES 256

static unsigned long vm_type(int kvm)
{
	(void)kvm;
	return 0;
}

static void setup_vm(struct vm *vm)
{
	KVM_DO(vm->fd, KVM_SET_TSS_ADDR, TSS_ADDRESS);
	KVM_DO(vm->fd, KVM_CREATE_IRQCHIP, 0);
}

static uint64_t *table(struct vm *vm, uint64_t address)
{
	return (uint64_t *)(vm->memory + address);
}

static void write_tables(struct vm *vm)
{
	uint64_t handler = guest_on_timer - guest_image;
	uint64_t *gate = table(vm, IDT_AT) + 2 * TIMER_VECTOR;

	*table(vm, PML4_AT) = PDPT_AT | PAGE_PRESENT_WRITE;
	*table(vm, PDPT_AT) = PD_AT | PAGE_PRESENT_WRITE;
	for (uint64_t i = 0; i < PD_ENTRIES; i++)
		table(vm, PD_AT)[i] = i * PAGE_LARGE_BYTES | PAGE_PRESENT_WRITE | PAGE_LARGE;

	table(vm, GDT_AT)[SELECTOR_CODE / 8] = GDT_CODE64;
	table(vm, GDT_AT)[SELECTOR_DATA / 8] = GDT_DATA;

	/* The image lies in the first 64 KiB: the upper parts of the handler's address are 0. */
	gate[0] = handler | SELECTOR_CODE << 16 | (uint64_t)GATE_INTERRUPT << 32;
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, bool code)
{
	return (struct kvm_segment){
		.limit = 0xffffffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.s = 1,
		.l = code,
		.db = !code,
		.g = 1,
	};
}

static void write_registers(const struct vcpu *vcpu)
{
	struct kvm_regs regs = {
		.rip = guest_start - guest_image,
		.rsp = STACK_AT,
		.rflags = RFLAGS_FIXED,
		.rdi = MAILBOX_OFFSET,
	};
	struct kvm_sregs sregs;

	KVM_DO(vcpu->fd, KVM_GET_SREGS, &sregs);
	sregs.cs = segment(SELECTOR_CODE, 0xb, true);
	sregs.ds = segment(SELECTOR_DATA, 0x3, false);
	sregs.es = sregs.fs = sregs.gs = sregs.ss = sregs.ds;
	sregs.gdt.base = GDT_AT;
	sregs.gdt.limit = 3 * 8 - 1;
	sregs.idt.base = IDT_AT;
	sregs.idt.limit = 0xfff;
	sregs.cr0 = CR0_PE_MP_ET_NE_PG;
	sregs.cr3 = PML4_AT;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LME_LMA;
	sregs.apic_base |= APIC_X2APIC_ENABLE;
	KVM_DO(vcpu->fd, KVM_SET_SREGS, &sregs);
	KVM_DO(vcpu->fd, KVM_SET_REGS, &regs);
}

/* A vCPU starts without CPUID leaves, and then has neither long mode nor an x2APIC. */
static void copy_cpuid(const struct vcpu *vcpu)
{
	struct kvm_cpuid2 *cpuid =
		calloc(1, sizeof(*cpuid) + CPUID_ENTRIES * sizeof(struct kvm_cpuid_entry2));

	if (!cpuid)
		fail(STATUS_FAILURE, "no memory for the CPUID leaves: free some on this host");
	cpuid->nent = CPUID_ENTRIES;
	KVM_DO(vcpu->vm->kvm, KVM_GET_SUPPORTED_CPUID, cpuid);
	KVM_DO(vcpu->fd, KVM_SET_CPUID2, cpuid);
	free(cpuid);
}

static void setup_vcpu(struct vcpu *vcpu)
{
	copy_cpuid(vcpu);
	write_tables(vcpu->vm);
	write_registers(vcpu);
}

static uint64_t counter_hz(const struct vcpu *vcpu)
{
	return 1000ull * KVM_DO(vcpu->fd, KVM_GET_TSC_KHZ, 0);
}

/*
 * KVM's APIC bus runs at 1 GHz (api.rst, KVM_CAP_X86_APIC_BUS_CYCLES_NS: 1 ns unless the VMM
 * says otherwise) and the guest divides by 1.
 */
static uint64_t timer_ticks(uint64_t ns, uint64_t hz)
{
	(void)hz;
	return ns;
}

static unsigned int call(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;

	if (run->exit_reason != KVM_EXIT_IO || run->io.port != CALL_PORT ||
	    run->io.direction != KVM_EXIT_IO_OUT)
		return CALL_NONE;
	return *((const uint8_t *)run + run->io.data_offset);
}

static uint64_t program_counter(const struct vcpu *vcpu)
{
	struct kvm_regs regs;

	KVM_DO(vcpu->fd, KVM_GET_REGS, &regs);
	return regs.rip;
}

/* Indexed by WORKLOAD_*. */
static const struct ability abilities[WORKLOADS] = {
	[WORKLOAD_HALT] = {.instruction = "HLT"},
	[WORKLOAD_EXIT] = {.instruction = "CPUID"},
	[WORKLOAD_USERSPACE] = {.instruction = "OUT to port 0xf0"},
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
	.name = "x86_64",
	.memory_base = 0,
	.memory_align = PAGE_LARGE_BYTES,
	.interval_max_ns = UINT32_MAX,
	.counter_source = "KVM_GET_TSC_KHZ",
	.ability = ability,
	.vm_type = vm_type,
	.setup_vm = setup_vm,
	.setup_vcpu = setup_vcpu,
	.counter_hz = counter_hz,
	.timer_ticks = timer_ticks,
	.call = call,
	.program_counter = program_counter,
};
