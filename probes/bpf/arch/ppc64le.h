/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ppc64le: KVM-HV and KVM-PR. On POWER9 and later KVM-HV sleeps without polling, between two
 * kvmppc_vcore_blocked (arch/powerpc/kvm/book3s_hv.c, kvmhv_run_single_vcpu()).
 */

int on_vcore_blocked(void *ctx)
{
	if (FIELD(ctx, KVMPPC_VCORE_BLOCKED_WHERE))
		halt_ends();
	else
		halt_begins();
	return SHARE;
}

#ifdef PHASES
/* The halt hypercall is a system call like the others; `ceded` tells it. */
int on_exit(void *ctx)
{
	to_handling((u64)FIELD(ctx, KVM_GUEST_EXIT_CEDED) << 32 |
		    (u32)FIELD(ctx, KVM_GUEST_EXIT_TRAP));
	return SHARE;
}

int on_hcall(void *ctx)
{
	refine(KVM_HCALL_ENTER_HOW, FIELD(ctx, KVM_HCALL_ENTER_REQ));
	return SHARE;
}

int on_pr_exit(void *ctx)
{
	to_handling((u32)FIELD(ctx, KVM_EXIT_EXIT_NR));
	return SHARE;
}
#endif
