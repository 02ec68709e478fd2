//go:build !race

package route_test

const racing = false
