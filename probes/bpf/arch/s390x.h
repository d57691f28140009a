/* SPDX-License-Identifier: GPL-2.0 */
/* s390x: the interception code of SIE, refined by what was intercepted. */

#ifdef PHASES
int on_exit(void *ctx)
{
	to_handling(FIELD(ctx, KVM_S390_SIE_EXIT_ICPTCODE));
	return SHARE;
}

/* The opcode as icpt_insn_decoder() of arch/s390/include/uapi/asm/sie.h tells it. */
int on_instruction(void *ctx)
{
	u64 instruction = FIELD(ctx, KVM_S390_INTERCEPT_INSTRUCTION_INSTRUCTION);
	u32 opcode = instruction >> 56;

	switch (opcode) {
	case 0x01:
	case 0xb2:
	case 0xb9:
	case 0xe3:
	case 0xe5:
		opcode = instruction >> 48;
		break;
	case 0xaa:
	case 0xc8:
		opcode = opcode << 8 | (instruction >> 48 & 0x0f);
		break;
	case 0xeb:
		opcode = opcode << 8 | (instruction >> 16 & 0xff);
	}
	refine(KVM_S390_INTERCEPT_INSTRUCTION_HOW, opcode);
	return SHARE;
}

int on_diag(void *ctx)
{
	refine(KVM_S390_HANDLE_DIAG_HOW, FIELD(ctx, KVM_S390_HANDLE_DIAG_CODE));
	return SHARE;
}

int on_sigp(void *ctx)
{
	refine(KVM_S390_HANDLE_SIGP_HOW, FIELD(ctx, KVM_S390_HANDLE_SIGP_ORDER_CODE));
	return SHARE;
}

int on_prog(void *ctx)
{
	refine(KVM_S390_INTERCEPT_PROG_HOW, FIELD(ctx, KVM_S390_INTERCEPT_PROG_CODE));
	return SHARE;
}
#endif
