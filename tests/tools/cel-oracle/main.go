// Command cel-oracle answers for CEL expressions of structured authentication what kube-apiserver answers: it is built
// from k8s.io/apiserver and cel-go themselves.
//
//	cel-oracle                              JSON lines: cases in, answers out
//	cel-oracle declarations                 functions, macros, identifiers and fields that the type checker knows
//	cel-oracle generate -seed N -count M    cases, made by enumeration and by chance
//	cel-oracle vectors CORPUS DIRECTORY     each file of cases in CORPUS, and what generate makes, with answers, into
//	                                        the DIRECTORY
//
// A case is {"id", "expression", "env": "claims"|"user", "purpose": "rule"|"mapping", "input": {...}}. See evaluate.go for
// an answer and value.go for the form of values.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "cel-oracle:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	if len(args) == 0 {
		return answerLines(in, out)
	}
	switch args[0] {
	case "declarations":
		return writeDeclarations(out)
	case "generate":
		return writeGenerated(args[1:], out)
	case "vectors":
		return writeVectors(args[1:])
	default:
		return fmt.Errorf("unknown command %q", args[0])
	}
}

// answerLines writes an answer for each line that holds a case. A line that holds none ends everything.
func answerLines(in io.Reader, out io.Writer) error {
	oracle := newOracle()
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for number := 1; lines.Scan(); number++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var asked testCase
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		answered, err := oracle.answer(asked)
		if err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		if err := writeLine(out, answered); err != nil {
			return err
		}
	}
	return lines.Err()
}

// writeLine writes a value as one line of JSON, with `<` and `&` as they are.
func writeLine(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
