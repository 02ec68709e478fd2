#include "textflag.h"

// func dotsVNNI(q, rows *int8, out *int32, length, n, offset int)
//
// VPDPBUSD multiplies bytes without a sign by bytes with one and adds each four products. Rows become the former by turning their highest bits, which
// adds 128 to each: offset takes 128 times the sum of q off again. Four rows at once share what is read of q.
TEXT ·dotsVNNI(SB), NOSPLIT, $0-48
	MOVQ q+0(FP), SI
	MOVQ rows+8(FP), DI
	MOVQ out+16(FP), DX
	MOVQ length+24(FP), CX
	MOVQ n+32(FP), R8
	MOVQ offset+40(FP), R9
	MOVL $0x80808080, AX
	VPBROADCASTD AX, Z31
	VPBROADCASTD R9, X30

four:
	CMPQ R8, $4
	JLT  one
	VPXORD Z0, Z0, Z0
	VPXORD Z1, Z1, Z1
	VPXORD Z2, Z2, Z2
	VPXORD Z3, Z3, Z3
	LEAQ (DI)(CX*1), R10
	LEAQ (DI)(CX*2), R11
	LEAQ (R10)(CX*2), R12
	XORQ AX, AX

fourBytes:
	VMOVDQU32 (SI)(AX*1), Z4
	VPXORD (DI)(AX*1), Z31, Z5
	VPXORD (R10)(AX*1), Z31, Z6
	VPXORD (R11)(AX*1), Z31, Z7
	VPXORD (R12)(AX*1), Z31, Z8
	VPDPBUSD Z4, Z5, Z0
	VPDPBUSD Z4, Z6, Z1
	VPDPBUSD Z4, Z7, Z2
	VPDPBUSD Z4, Z8, Z3
	ADDQ $64, AX
	CMPQ AX, CX
	JLT  fourBytes

	// Four sums of 16 lanes become four lanes.
	VEXTRACTI64X4 $1, Z0, Y4
	VEXTRACTI64X4 $1, Z1, Y5
	VEXTRACTI64X4 $1, Z2, Y6
	VEXTRACTI64X4 $1, Z3, Y7
	VPADDD Y4, Y0, Y0
	VPADDD Y5, Y1, Y1
	VPADDD Y6, Y2, Y2
	VPADDD Y7, Y3, Y3
	VPHADDD Y1, Y0, Y0
	VPHADDD Y3, Y2, Y2
	VPHADDD Y2, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPADDD X1, X0, X0
	VPADDD X30, X0, X0
	VMOVDQU32 X0, (DX)
	ADDQ $16, DX
	LEAQ (DI)(CX*4), DI
	SUBQ $4, R8
	JMP  four

one:
	TESTQ R8, R8
	JZ   done
	VPXORD Z0, Z0, Z0
	XORQ AX, AX

oneBytes:
	VMOVDQU32 (SI)(AX*1), Z4
	VPXORD (DI)(AX*1), Z31, Z5
	VPDPBUSD Z4, Z5, Z0
	ADDQ $64, AX
	CMPQ AX, CX
	JLT  oneBytes
	VEXTRACTI64X4 $1, Z0, Y4
	VPADDD Y4, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPADDD X1, X0, X0
	VPHADDD X0, X0, X0
	VPHADDD X0, X0, X0
	VPADDD X30, X0, X0
	VMOVD X0, (DX)
	ADDQ $4, DX
	ADDQ CX, DI
	DECQ R8
	JMP  one

done:
	VZEROUPPER
	RET

// func dotsYMM(q, rows *int8, out *int32, length, n int)
//
// VPMADDUBSW multiplies bytes without a sign by bytes with one and adds each two products in 16 bits: with the magnitudes of q, and the rows under the
// signs of q, at most 2*127*127, which fits.
TEXT ·dotsYMM(SB), NOSPLIT, $0-40
	MOVQ q+0(FP), SI
	MOVQ rows+8(FP), DI
	MOVQ out+16(FP), DX
	MOVQ length+24(FP), CX
	MOVQ n+32(FP), R8
	VPCMPEQW Y15, Y15, Y15
	VPSRLW $15, Y15, Y15 // ones

yfour:
	CMPQ R8, $4
	JLT  yone
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	VPXOR Y2, Y2, Y2
	VPXOR Y3, Y3, Y3
	LEAQ (DI)(CX*1), R10
	LEAQ (DI)(CX*2), R11
	LEAQ (R10)(CX*2), R12
	XORQ AX, AX

yfourBytes:
	VMOVDQU (SI)(AX*1), Y4
	VPABSB Y4, Y5
	VMOVDQU (DI)(AX*1), Y6
	VMOVDQU (R10)(AX*1), Y7
	VMOVDQU (R11)(AX*1), Y8
	VMOVDQU (R12)(AX*1), Y9
	VPSIGNB Y4, Y6, Y6
	VPSIGNB Y4, Y7, Y7
	VPSIGNB Y4, Y8, Y8
	VPSIGNB Y4, Y9, Y9
	VPMADDUBSW Y6, Y5, Y6
	VPMADDUBSW Y7, Y5, Y7
	VPMADDUBSW Y8, Y5, Y8
	VPMADDUBSW Y9, Y5, Y9
	VPMADDWD Y15, Y6, Y6
	VPMADDWD Y15, Y7, Y7
	VPMADDWD Y15, Y8, Y8
	VPMADDWD Y15, Y9, Y9
	VPADDD Y6, Y0, Y0
	VPADDD Y7, Y1, Y1
	VPADDD Y8, Y2, Y2
	VPADDD Y9, Y3, Y3
	ADDQ $32, AX
	CMPQ AX, CX
	JLT  yfourBytes

	VPHADDD Y1, Y0, Y0
	VPHADDD Y3, Y2, Y2
	VPHADDD Y2, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPADDD X1, X0, X0
	VMOVDQU X0, (DX)
	ADDQ $16, DX
	LEAQ (DI)(CX*4), DI
	SUBQ $4, R8
	JMP  yfour

yone:
	TESTQ R8, R8
	JZ   ydone
	VPXOR Y0, Y0, Y0
	XORQ AX, AX

yoneBytes:
	VMOVDQU (SI)(AX*1), Y4
	VPABSB Y4, Y5
	VMOVDQU (DI)(AX*1), Y6
	VPSIGNB Y4, Y6, Y6
	VPMADDUBSW Y6, Y5, Y6
	VPMADDWD Y15, Y6, Y6
	VPADDD Y6, Y0, Y0
	ADDQ $32, AX
	CMPQ AX, CX
	JLT  yoneBytes
	VEXTRACTI128 $1, Y0, X1
	VPADDD X1, X0, X0
	VPHADDD X0, X0, X0
	VPHADDD X0, X0, X0
	VMOVD X0, (DX)
	ADDQ $4, DX
	ADDQ CX, DI
	DECQ R8
	JMP  yone

ydone:
	VZEROUPPER
	RET

// func nearZMM(q, sketches *Sketch, most int, out *byte, n int)
//
// A sketch is one register. Eight of them are counted at once, word by word, and the eight rows of eight counts folded into one of eight sums.
TEXT ·nearZMM(SB), NOSPLIT, $0-40
	MOVQ q+0(FP), SI
	MOVQ sketches+8(FP), DI
	MOVQ most+16(FP), AX
	MOVQ out+24(FP), DX
	MOVQ n+32(FP), R8
	VMOVDQU64 (SI), Z31
	VPBROADCASTQ AX, Z30

eight:
	VPXORQ (DI), Z31, Z0
	VPXORQ 64(DI), Z31, Z1
	VPXORQ 128(DI), Z31, Z2
	VPXORQ 192(DI), Z31, Z3
	VPXORQ 256(DI), Z31, Z4
	VPXORQ 320(DI), Z31, Z5
	VPXORQ 384(DI), Z31, Z6
	VPXORQ 448(DI), Z31, Z7
	VPOPCNTQ Z0, Z0
	VPOPCNTQ Z1, Z1
	VPOPCNTQ Z2, Z2
	VPOPCNTQ Z3, Z3
	VPOPCNTQ Z4, Z4
	VPOPCNTQ Z5, Z5
	VPOPCNTQ Z6, Z6
	VPOPCNTQ Z7, Z7

	// In each quarter: the sum of one sketch, the sum of the next.
	VPUNPCKLQDQ Z1, Z0, Z8
	VPUNPCKHQDQ Z1, Z0, Z9
	VPADDQ Z9, Z8, Z0
	VPUNPCKLQDQ Z3, Z2, Z8
	VPUNPCKHQDQ Z3, Z2, Z9
	VPADDQ Z9, Z8, Z2
	VPUNPCKLQDQ Z5, Z4, Z8
	VPUNPCKHQDQ Z5, Z4, Z9
	VPADDQ Z9, Z8, Z4
	VPUNPCKLQDQ Z7, Z6, Z8
	VPUNPCKHQDQ Z7, Z6, Z9
	VPADDQ Z9, Z8, Z6

	// Four quarters become two, and one.
	VSHUFI64X2 $0x88, Z2, Z0, Z8
	VSHUFI64X2 $0xdd, Z2, Z0, Z9
	VPADDQ Z9, Z8, Z0
	VSHUFI64X2 $0x88, Z6, Z4, Z8
	VSHUFI64X2 $0xdd, Z6, Z4, Z9
	VPADDQ Z9, Z8, Z4
	VSHUFI64X2 $0x88, Z4, Z0, Z8
	VSHUFI64X2 $0xdd, Z4, Z0, Z9
	VPADDQ Z9, Z8, Z0

	VPCMPQ $2, Z30, Z0, K1 // at most
	KMOVB K1, AX
	MOVB AX, (DX)
	INCQ DX
	ADDQ $512, DI
	DECQ R8
	JNZ  eight
	VZEROUPPER
	RET

#define WORD(i) \
	MOVQ i(DI), R9 \
	XORQ i(SI), R9 \
	POPCNTQ R9, R9 \
	ADDQ R9, R10

// func nearPOPCNT(q, sketches *Sketch, most int, out *byte, n int)
TEXT ·nearPOPCNT(SB), NOSPLIT, $0-40
	MOVQ q+0(FP), SI
	MOVQ sketches+8(FP), DI
	MOVQ most+16(FP), BX
	MOVQ out+24(FP), DX
	MOVQ n+32(FP), R8

byte:
	XORQ AX, AX
	XORQ CX, CX

bit:
	XORQ R10, R10
	WORD(0)
	WORD(8)
	WORD(16)
	WORD(24)
	WORD(32)
	WORD(40)
	WORD(48)
	WORD(56)
	XORQ R11, R11
	CMPQ R10, BX
	SETLE R11
	SHLQ CX, R11
	ORQ  R11, AX
	ADDQ $64, DI
	INCQ CX
	CMPQ CX, $8
	JLT  bit
	MOVB AX, (DX)
	INCQ DX
	DECQ R8
	JNZ  byte
	RET
