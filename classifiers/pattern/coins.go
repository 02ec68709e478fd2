package pattern

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"golang.org/x/crypto/sha3"
)

func coins() []recogniser {
	words := []string{
		"bitcoin*", "btc", "wallet*", "crypto*", "ethereum", "ether", "eth", "litecoin", "ltc", "dogecoin", "doge", "coin*", "blockchain", "token*",
		"address*",
	}
	return []recogniser{
		{label: "CRYPTO", find: wordsOf(25, 35, base58Checked), words: words, alone: 0.95, near: 0.99},
		{label: "CRYPTO", find: wordsOf(26, 35, base58Shaped), words: words[:10], near: 0.85},
		{label: "CRYPTO", find: wordsOf(14, 90, bech32), words: words, alone: 0.95, near: 0.99},
		{label: "CRYPTO", find: wordsOf(42, 42, ethereumChecked), words: words, alone: 0.95, near: 0.99},
		{label: "CRYPTO", find: wordsOf(42, 42, isEthereum), alone: 0.85, near: 0.85}, // mistyped, yet nothing else
	}
}

// wordsOf finds the whole words of a length that pass a check.
func wordsOf(shortest, longest int, check func(string) bool) finder {
	return func(v *view, hit func(start, end int)) {
		for _, w := range v.words {
			if n := w.end - w.start; n < shortest || n > longest || v.at(w.start-1) == '_' || v.at(w.end) == '_' {
				continue
			}
			if check(v.s[w.start:w.end]) {
				hit(w.start, w.end)
			}
		}
	}
}

const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// base58Checked reports whether a word is an address of Bitcoin and its kin: a byte of version, 20 of hash and 4 of checksum.
func base58Checked(s string) bool {
	var n [25]byte
	for i := range len(s) {
		carry := strings.IndexByte(base58, s[i])
		if carry < 0 {
			return false
		}
		for j := len(n) - 1; j >= 0; j-- {
			carry += 58 * int(n[j])
			n[j] = byte(carry)
			carry >>= 8
		}
		if carry != 0 {
			return false
		}
	}
	once := sha256.Sum256(n[:21])
	twice := sha256.Sum256(once[:])
	return bytes.Equal(twice[:4], n[21:])
}

func base58Shaped(s string) bool {
	return strings.IndexByte("13LMDX", s[0]) >= 0 && mixed(s)
}

// mixed reports whether a word has digits and letters of both cases.
func mixed(s string) bool {
	return strings.ContainsAny(s, "0123456789") && strings.ToLower(s) != s && strings.ToUpper(s) != s
}

// bech32 reports whether a word has a right checksum by BIP 173 or BIP 350.
func bech32(s string) bool {
	low := strings.ToLower(s)
	if low != s && strings.ToUpper(s) != s {
		return false
	}
	one := strings.LastIndexByte(low, '1')
	if one < 2 || one > 5 || len(low)-one < 7 {
		return false
	}
	sum := uint32(1)
	put := func(x byte) {
		top := sum >> 25
		sum = sum&0x1ffffff<<5 ^ uint32(x)
		for i, g := range [...]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				sum ^= g
			}
		}
	}
	for i := range one {
		put(low[i] >> 5)
	}
	put(0)
	for i := range one {
		put(low[i] & 31)
	}
	for i := one + 1; i < len(low); i++ {
		x := strings.IndexByte("qpzry9x8gf2tvdw0s3jn54khce6mua7l", low[i])
		if x < 0 {
			return false
		}
		put(byte(x))
	}
	return sum == 1 || sum == 0x2bc830a3
}

func isEthereum(s string) bool {
	if s[0] != '0' || s[1]|0x20 != 'x' {
		return false
	}
	for i := 2; i < len(s); i++ {
		if !isHex(s[i]) {
			return false
		}
	}
	return true
}

// ethereumChecked reports whether an address is in letters of one case, which has no checksum, or has that of EIP-55 in their cases.
func ethereumChecked(s string) bool {
	if !isEthereum(s) {
		return false
	}
	low := strings.ToLower(s[2:])
	if s[2:] == low || s[2:] == strings.ToUpper(low) {
		return true
	}
	h := sha3.NewLegacyKeccak256()
	h.Write([]byte(low))
	sum := hex.EncodeToString(h.Sum(nil))
	for i := range low {
		if isLetter(low[i]) && (sum[i] >= '8') != (s[2+i] != low[i]) {
			return false
		}
	}
	return true
}
