//go:build !amd64 && !arm64

package vector

func native() []Kernel { return nil }
