// Command play serves the playground to a browser on this machine. The page also
// works without it: open index.html.
package main

import (
	"embed"
	"fmt"
	"net"
	"net/http"
	"os"
)

//go:embed index.html play.css play.js data
var files embed.FS

func main() {
	if args := os.Args[1:]; len(args) > 0 {
		fmt.Fprintln(os.Stderr, "usage: go run ./docs/play (it takes no arguments)")
		if args[0] == "-h" || args[0] == "--help" || args[0] == "help" {
			return
		}
		os.Exit(2)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, "play:", err)
		os.Exit(1)
	}
	fmt.Printf("The playground is at http://%s/ until you press Ctrl+C.\n", listener.Addr())
	fmt.Fprintln(os.Stderr, "play:", http.Serve(listener, http.FileServerFS(files)))
	os.Exit(1)
}
