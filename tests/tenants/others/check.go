// SPDX-License-Identifier: Apache-2.0

// Checks what proofs_for_others.c wrote with golang.org/x/mod/sumdb, which shares no code with this project: every checkpoint's
// signature, every inclusion and every consistency proof; and that each is refused once a bit of it is changed.
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type size struct {
	Checkpoint  string
	Inclusion   [][]string
	Consistency [][]string
}

type file struct {
	Vkey   string
	Leaves []string
	Sizes  []size
}

func must(err error, format string, args ...interface{}) {
	if err != nil {
		fmt.Printf(format+": %v\n", append(args, err)...)
		os.Exit(1)
	}
}

func mustNot(err error, format string, args ...interface{}) {
	if err == nil {
		fmt.Printf(format+": accepted\n", args...)
		os.Exit(1)
	}
}

func hash(text string) (h tlog.Hash) {
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	must(err, "hash %q", text)
	if len(raw) != len(h) {
		must(fmt.Errorf("%d bytes", len(raw)), "hash %q", text)
	}
	copy(h[:], raw)
	return h
}

func hashes(list []string) []tlog.Hash {
	out := make([]tlog.Hash, 0, len(list))
	for _, text := range list {
		out = append(out, hash(text))
	}
	return out
}

func root(verifiers note.Verifiers, text string, want int) tlog.Hash {
	opened, err := note.Open([]byte(text), verifiers)
	must(err, "checkpoint %d", want)
	_, err = note.Open([]byte(strings.Replace(text, "\n", "x\n", 1)), verifiers)
	mustNot(err, "altered checkpoint %d", want)
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[1] != fmt.Sprint(want) || lines[3] != "" {
		must(fmt.Errorf("%q", opened.Text), "checkpoint %d", want)
	}
	return hash(lines[2])
}

func main() {
	var all file
	text, err := os.ReadFile(os.Args[1])
	must(err, "read")
	must(json.Unmarshal(text, &all), "parse")
	verifier, err := note.NewVerifier(all.Vkey)
	must(err, "verifier key")
	verifiers := note.VerifierList(verifier)

	leaves := make([]tlog.Hash, 0, len(all.Leaves))
	for _, leaf := range all.Leaves {
		data, err := base64.StdEncoding.Strict().DecodeString(leaf)
		must(err, "leaf")
		leaves = append(leaves, tlog.RecordHash(data))
	}

	roots := []tlog.Hash{{}}
	proofs := 0
	for i, s := range all.Sizes {
		n := int64(i + 1)
		roots = append(roots, root(verifiers, s.Checkpoint, i+1))
		for leaf, list := range s.Inclusion {
			proof := hashes(list)
			must(tlog.CheckRecord(proof, n, roots[n], int64(leaf), leaves[leaf]), "leaf %d of %d", leaf, n)
			for k := range proof {
				proof[k][k%32] ^= 1
				mustNot(tlog.CheckRecord(proof, n, roots[n], int64(leaf), leaves[leaf]), "altered proof of leaf %d of %d", leaf, n)
				proof[k][k%32] ^= 1
			}
			proofs++
		}
		for k, list := range s.Consistency {
			from := int64(k + 1)
			must(tlog.CheckTree(hashes(list), n, roots[n], from, roots[from]), "%d before %d", from, n)
			proofs++
		}
	}
	if proofs == 0 {
		must(fmt.Errorf("none"), "proofs")
	}
	fmt.Printf("%d checkpoints and %d proofs are right\n", len(all.Sizes), proofs)
}
