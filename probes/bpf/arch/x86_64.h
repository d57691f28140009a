/* SPDX-License-Identifier: GPL-2.0 */
/* x86-64: VMX and SVM, told apart by the isa of each exit. */

#ifdef PHASES
int on_exit(void *ctx)
{
	to_handling((u64)FIELD(ctx, KVM_EXIT_ISA) << 32 | FIELD(ctx, KVM_EXIT_EXIT_REASON));
	return SHARE;
}

int on_apic_ipi(void *ctx)
{
	refine(KVM_APIC_IPI_HOW, 0);
	return SHARE;
}
#endif
