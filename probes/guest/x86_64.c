// SPDX-License-Identifier: GPL-2.0-only
/*
 * x86-64: 64-bit mode from the first instruction, the in-kernel local APIC for the timer, port I/O
 * for calls.
 */
#include "x86_64.h"

#include <cpuid.h>
#include <stdlib.h>
#include <unistd.h>

#include "arch.h"
#include "device.h"
#include "fail.h"

extern const uint8_t guest_start[];
extern const uint8_t guest_peer[];
extern const uint8_t guest_ticker[];
extern const uint8_t guest_on_wakeup[];
extern const uint8_t guest_on_ipi[];

/* Scratch memory, page by page. */
#define PML4_AT	     (SCRATCH_OFFSET + 0x0000)
#define PDPT_AT	     (SCRATCH_OFFSET + 0x1000)
#define PD_AT	     (SCRATCH_OFFSET + 0x2000)
#define GDT_AT	     (SCRATCH_OFFSET + 0x3000)
#define IDT_AT	     (SCRATCH_OFFSET + 0x4000)
#define STACK_AT(id) (SCRATCH_OFFSET + 0x6000 + 0x400 * (id)) /* grows down */

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
#define CR4_OSFXSR	   0x200
#define CR4_OSXSAVE	   0x40000
#define XCR0_X87_SSE_AVX   0x7
#define EFER_LME_LMA	   0x500
#define APIC_X2APIC_ENABLE 0xc00
#define RFLAGS_FIXED	   0x2
#define MSR_TSC		   0x10

/* Three pages that VMX without "unrestricted guest" needs: api.rst, KVM_SET_TSS_ADDR. */
#define TSS_ADDRESS 0xfffbd000

#define CPUID_ENTRIES 256

/* Any number does; those of the PIC and the I/O APIC are below. */
#define DEVICE_GSI  24
#define MSI_ADDRESS 0xfee00000

/* AMD APM vol. 3, "Feature Identification", CPUID 0x80000001 ECX. */
#define CPUID_SVM 0x4

/* What of the two this CPU virtualises with: SVM knows VMMCALL, VMX knows VMCALL. */
static bool has_svm(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid(0x80000001, &a, &b, &c, &d) && c & CPUID_SVM;
}

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

/*
 * A message-signalled interrupt, fixed and edge-triggered, to the APIC of vCPU 0 (Intel SDM vol. 3,
 * "Message Signalled Interrupts"), as the only route there is.
 */
static void setup_device(const struct vm *vm, const struct device *device)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry;
	} routes = {
		.head.nr = 1,
		.entry =
			{
				.gsi = DEVICE_GSI,
				.type = KVM_IRQ_ROUTING_MSI,
				.u.msi = {.address_lo = MSI_ADDRESS, .data = DEVICE_VECTOR},
			},
	};
	struct kvm_ioeventfd doorbell = {
		.addr = DOORBELL_PORT,
		.len = 1,
		.fd = device->doorbell,
		.flags = KVM_IOEVENTFD_FLAG_PIO,
	};

	KVM_DO(vm->fd, KVM_SET_GSI_ROUTING, &routes);
	device_connect_irqfd(vm, device, DEVICE_GSI);
	KVM_DO(vm->fd, KVM_IOEVENTFD, &doorbell);
}

static uint64_t *table(struct vm *vm, uint64_t address)
{
	return (uint64_t *)(vm->memory + address);
}

/* The image lies in the first 64 KiB: the upper parts of a handler's address are 0. */
static void write_gate(struct vm *vm, unsigned int vector, const uint8_t *handler)
{
	table(vm, IDT_AT)[2 * vector] =
		(handler - guest_image) | SELECTOR_CODE << 16 | (uint64_t)GATE_INTERRUPT << 32;
}

static void write_tables(struct vm *vm)
{
	*table(vm, PML4_AT) = PDPT_AT | PAGE_PRESENT_WRITE;
	*table(vm, PDPT_AT) = PD_AT | PAGE_PRESENT_WRITE;
	for (uint64_t i = 0; i < PD_ENTRIES; i++)
		table(vm, PD_AT)[i] = i * PAGE_LARGE_BYTES | PAGE_PRESENT_WRITE | PAGE_LARGE;

	table(vm, GDT_AT)[SELECTOR_CODE / 8] = GDT_CODE64;
	table(vm, GDT_AT)[SELECTOR_DATA / 8] = GDT_DATA;

	write_gate(vm, TIMER_VECTOR, guest_on_wakeup);
	write_gate(vm, DEVICE_VECTOR, guest_on_wakeup);
	write_gate(vm, IPI_VECTOR, guest_on_ipi);
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

static bool has_avx(const struct vcpu *vcpu)
{
	return vcpu->vm->mailbox->features & FEATURE_AVX;
}

static void switch_avx_on(const struct vcpu *vcpu)
{
	struct kvm_xcrs xcrs = {.nr_xcrs = 1, .xcrs[0].value = XCR0_X87_SSE_AVX};

	KVM_DO(vcpu->fd, KVM_SET_XCRS, &xcrs);
}

static const uint8_t *entry(const struct vcpu *vcpu)
{
	if (!vcpu->id)
		return guest_start;
	return vcpu_ticks(vcpu) ? guest_ticker : guest_peer;
}

static void write_registers(const struct vcpu *vcpu)
{
	struct kvm_regs regs = {
		.rip = entry(vcpu) - guest_image,
		.rsp = STACK_AT(vcpu->id),
		.rflags = RFLAGS_FIXED,
		.rdi = MAILBOX_OFFSET,
		.r14 = MAILBOX_OFFSET + vcpu_peer_offset(vcpu),
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
	sregs.cr4 = CR4_PAE | CR4_OSFXSR | (has_avx(vcpu) ? CR4_OSXSAVE : 0);
	sregs.efer = EFER_LME_LMA;
	sregs.apic_base |= APIC_X2APIC_ENABLE;
	KVM_DO(vcpu->fd, KVM_SET_SREGS, &sregs);
	KVM_DO(vcpu->fd, KVM_SET_REGS, &regs);
}

/*
 * A vCPU starts without CPUID leaves, and then has neither long mode nor an x2APIC. Returns those
 * it is given, for the caller to free.
 */
static struct kvm_cpuid2 *copy_cpuid(const struct vcpu *vcpu)
{
	struct kvm_cpuid2 *cpuid =
		calloc(1, sizeof(*cpuid) + CPUID_ENTRIES * sizeof(struct kvm_cpuid_entry2));

	if (!cpuid)
		fail(STATUS_FAILURE, "no memory for the CPUID leaves: free some on this host");
	cpuid->nent = CPUID_ENTRIES;
	KVM_DO(vcpu->vm->kvm, KVM_GET_SUPPORTED_CPUID, cpuid);
	KVM_DO(vcpu->fd, KVM_SET_CPUID2, cpuid);
	return cpuid;
}

static uint64_t features(const struct kvm_cpuid2 *cpuid)
{
	uint64_t found = has_svm() ? FEATURE_VMMCALL : 0;

	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == 1 && cpuid->entries[i].ecx & bit_AVX)
			found |= FEATURE_AVX;
	return found;
}

static void setup_vcpu(struct vcpu *vcpu)
{
	struct kvm_cpuid2 *cpuid = copy_cpuid(vcpu);
	/* All but vCPU 0 would wait for INIT and SIPI. */
	struct kvm_mp_state runnable = {.mp_state = KVM_MP_STATE_RUNNABLE};

	vcpu->vm->mailbox->features = features(cpuid);
	free(cpuid);
	write_tables(vcpu->vm);
	if (has_avx(vcpu))
		switch_avx_on(vcpu);
	write_registers(vcpu);
	KVM_DO(vcpu->fd, KVM_SET_MP_STATE, &runnable);
}

static uint64_t counter_hz(const struct vcpu *vcpu)
{
	return 1000ull * KVM_DO(vcpu->fd, KVM_GET_TSC_KHZ, 0);
}

static uint64_t counter(const struct vcpu *vcpu)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msrs = {.head.nmsrs = 1, .entry.index = MSR_TSC};

	KVM_DO(vcpu->fd, KVM_GET_MSRS, &msrs);
	return msrs.entry.data;
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
	struct kvm_run *run = vcpu->run;

	if (vcpu_answer_load(vcpu, MMIO_ADDRESS))
		return CALL_ROUND_TRIP;
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

#define SERVED "HLT until an irqfd's MSI, then OUT to an ioeventfd at port 0xf1"

/* Indexed by WORKLOAD_*; the hypercall is looked for. */
static const struct ability abilities[WORKLOADS] = {
	[WORKLOAD_HALT] = {.instruction = "HLT"},
	[WORKLOAD_EXIT] = {.instruction = "CPUID"},
	[WORKLOAD_USERSPACE] = {.instruction = "OUT to port 0xf0"},
	[WORKLOAD_MMIO] = {.instruction = "MOV from 0x3ffff000, where nothing is"},
	[WORKLOAD_IPI] = {.instruction = "WRMSR to the x2APIC's ICR"},
	[WORKLOAD_FPU] = {.instruction = "VMOVDQU to YMM0-15 or MOVDQU to XMM0-15, then CPUID"},
	[WORKLOAD_NET_RR] = {.instruction = SERVED},
	[WORKLOAD_NET_STREAM] = {.instruction = SERVED},
	[WORKLOAD_DISK_RR] = {.instruction = SERVED},
};

/*
 * kvm_pvm runs the kernel mode of a guest that is not made for it in KVM's emulator, and that hands
 * a hypercall back to the CPU, again and again (emulate.c, em_hypercall()).
 */
static struct ability hypercall_ability(void)
{
	if (!access("/sys/module/kvm_pvm", F_OK))
		return (struct ability){.reason = "kvm_pvm emulates this guest, and its emulator "
						  "does not answer hypercalls"};
	return (struct ability){.instruction = has_svm() ? "VMMCALL" : "VMCALL"};
}

static struct ability ability(int kvm, unsigned int workload)
{
	(void)kvm;
	return workload == WORKLOAD_HYPERCALL ? hypercall_ability() : abilities[workload];
}

const struct arch arch = {
	.name = "x86_64",
	.memory_base = 0,
	.memory_align = PAGE_LARGE_BYTES,
	.interval_max_ns = UINT32_MAX,
	.peers = PEERS_MAX,
	.counter_source = "KVM_GET_TSC_KHZ",
	.ability = ability,
	.vm_type = vm_type,
	.setup_vm = setup_vm,
	.setup_vcpu = setup_vcpu,
	.setup_device = setup_device,
	.interrupt = device_signal,
	.counter_hz = counter_hz,
	.counter = counter,
	.timer_ticks = timer_ticks,
	.call = call,
	.program_counter = program_counter,
};
