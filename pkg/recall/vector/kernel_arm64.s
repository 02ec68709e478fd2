#include "textflag.h"

// SDOT Vd.4S, Vn.16B, Vm.16B, which Go's assembler does not know: each lane of Vd gains the dot product of four bytes.
#define SDOT(m, n, d) WORD $(0x4e809400 | (m)<<16 | (n)<<5 | (d))

// func dotsSDOT(q, rows *int8, out *int32, length, n int)
TEXT ·dotsSDOT(SB), NOSPLIT, $0-40
	MOVD q+0(FP), R0
	MOVD rows+8(FP), R1
	MOVD out+16(FP), R2
	MOVD length+24(FP), R3
	MOVD n+32(FP), R4

row:
	MOVD R0, R5
	ADD  R1, R3, R6 // where the row ends
	VEOR V16.B16, V16.B16, V16.B16
	VEOR V17.B16, V17.B16, V17.B16
	VEOR V18.B16, V18.B16, V18.B16
	VEOR V19.B16, V19.B16, V19.B16

bytes:
	VLD1.P 64(R1), [V0.B16, V1.B16, V2.B16, V3.B16]
	VLD1.P 64(R5), [V4.B16, V5.B16, V6.B16, V7.B16]
	SDOT(4, 0, 16)
	SDOT(5, 1, 17)
	SDOT(6, 2, 18)
	SDOT(7, 3, 19)
	CMP  R6, R1
	BLT  bytes
	VADD V17.S4, V16.S4, V16.S4
	VADD V19.S4, V18.S4, V18.S4
	VADD V18.S4, V16.S4, V16.S4
	VADDV V16.S4, V16
	VMOV V16.S[0], R7
	MOVW.P R7, 4(R2)
	SUB  $1, R4
	CBNZ R4, row
	RET

// func nearCNT(q, sketches *Sketch, most int, out *byte, n int)
TEXT ·nearCNT(SB), NOSPLIT, $0-40
	MOVD q+0(FP), R0
	MOVD sketches+8(FP), R1
	MOVD most+16(FP), R2
	MOVD out+24(FP), R3
	MOVD n+32(FP), R4
	VLD1 (R0), [V4.B16, V5.B16, V6.B16, V7.B16]

byte:
	MOVD $0, R5 // the bits
	MOVD $0, R6 // how many there are

bit:
	VLD1.P 64(R1), [V0.B16, V1.B16, V2.B16, V3.B16]
	VEOR V4.B16, V0.B16, V0.B16
	VEOR V5.B16, V1.B16, V1.B16
	VEOR V6.B16, V2.B16, V2.B16
	VEOR V7.B16, V3.B16, V3.B16
	VCNT V0.B16, V0.B16
	VCNT V1.B16, V1.B16
	VCNT V2.B16, V2.B16
	VCNT V3.B16, V3.B16
	VADD V1.B16, V0.B16, V0.B16
	VADD V3.B16, V2.B16, V2.B16
	VADD V2.B16, V0.B16, V0.B16 // at most 32 each
	VUADDLV V0.B16, V0
	VMOV V0.H[0], R7
	CMP  R2, R7
	CSET LE, R8
	LSL  R6, R8, R8
	ORR  R8, R5, R5
	ADD  $1, R6
	CMP  $8, R6
	BLT  bit
	MOVB.P R5, 1(R3)
	SUB  $1, R4
	CBNZ R4, byte
	RET
