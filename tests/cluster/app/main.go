// A small app for meshes on a real cluster: `app serve` answers with what it is and what it was
// asked, `app call` asks and counts the answers. No libraries, so that it builds in seconds.
// SPDX-License-Identifier: GPL-3.0-or-later
package main

import (
	"fmt"
	"os"
)

func main() {
	command := ""
	if len(os.Args) > 1 {
		command = os.Args[1]
	}
	switch command {
	case "serve":
		os.Exit(serve(os.Args[2:]))
	case "call":
		os.Exit(call(os.Args[2:]))
	}
	fmt.Fprintln(os.Stderr, "usage: app serve [flags] | app call [flags] URL  (--help after either says more)")
	os.Exit(2)
}
