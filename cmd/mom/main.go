// Command mom decides which model answers a chat request. See mom --help.
package main

import (
	"os"

	"github.com/mom-router/mom/cmd/mom/app"
)

func main() { os.Exit(app.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
