/* SPDX-License-Identifier: GPL-2.0 */
/* arm64: why the exit, and of a trap its exception class. */

#ifdef PHASES
int on_exit(void *ctx)
{
	to_handling((u64)(u32)FIELD(ctx, KVM_EXIT_RET) << 32 | FIELD(ctx, KVM_EXIT_ESR_EC));
	return SHARE;
}

int on_wfx(void *ctx)
{
	refine(KVM_WFX_ARM64_HOW, FIELD(ctx, KVM_WFX_ARM64_IS_WFE));
	return SHARE;
}

/* The register in the encoding of MSR and MRS, and whether it was written. */
int on_sys_access(void *ctx)
{
	refine(KVM_SYS_ACCESS_HOW,
	       FIELD(ctx, KVM_SYS_ACCESS_OP0) << 20 | FIELD(ctx, KVM_SYS_ACCESS_OP1) << 16 |
		       FIELD(ctx, KVM_SYS_ACCESS_CRN) << 12 | FIELD(ctx, KVM_SYS_ACCESS_CRM) << 8 |
		       FIELD(ctx, KVM_SYS_ACCESS_OP2) << 4 | FIELD(ctx, KVM_SYS_ACCESS_IS_WRITE));
	return SHARE;
}
#endif
