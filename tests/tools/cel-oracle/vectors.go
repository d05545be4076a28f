package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// vector is a case with its answer.
type vector struct {
	testCase
	answer
}

// rounds is how often each case is asked: Go goes through a map in another order each time, and a case whose answer
// depends on that is none.
const rounds = 12

// slow is how long a case may take that is asked so often; one that takes longer is asked twice.
const slow = 200 * time.Millisecond

// maxAnswer is the length, in bytes, that an answer may have in a vector.
const maxAnswer = 4000

// vectorWriter writes cases with their answers, each case once.
type vectorWriter struct {
	oracle oracle
	seen   map[string]bool
}

// writeVectors is the command: DIRECTORY/x.jsonl for each CORPUS/x.jsonl, and DIRECTORY/generated.jsonl.
func writeVectors(args []string) error {
	if len(args) != 2 {
		return errors.New("vectors needs a corpus and a directory")
	}
	writer := vectorWriter{oracle: newOracle(), seen: map[string]bool{}}
	files, err := filepath.Glob(filepath.Join(args[0], "*.jsonl"))
	if err != nil {
		return err
	}
	for _, file := range files {
		cases, err := readCases(file)
		if err != nil {
			return err
		}
		if err := writer.write(filepath.Join(args[1], filepath.Base(file)), cases); err != nil {
			return err
		}
	}
	generated, err := generate(defaultSeed, defaultCount)
	if err != nil {
		return err
	}
	return writer.write(filepath.Join(args[1], "generated.jsonl"), generated)
}

func readCases(file string) ([]testCase, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var cases []testCase
	for number, line := range bytes.Split(text, []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		var one testCase
		if err := json.Unmarshal(line, &one); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, number+1, err)
		}
		cases = append(cases, one)
	}
	return cases, nil
}

// write writes the cases with their answers. Cases without one answer, or with a very long one, are named on standard error
// and left out.
func (w vectorWriter) write(file string, cases []testCase) error {
	var text bytes.Buffer
	for _, asked := range cases {
		asked.ID = asked.identity()
		if w.seen[asked.ID] {
			continue
		}
		w.seen[asked.ID] = true
		answered, err := w.oracle.certainAnswer(asked)
		if err != nil {
			fmt.Fprintf(os.Stderr, "left out: %s: %v\n", asked.Expression, err)
			continue
		}
		if err := writeLine(&text, vector{asked, answered}); err != nil {
			return err
		}
	}
	return os.WriteFile(file, text.Bytes(), 0o644)
}

// certainAnswer is an answer that is always the same.
func (o oracle) certainAnswer(asked testCase) (answer, error) {
	var first answer
	var firstText []byte
	begin := time.Now()
	for round := range rounds {
		if round > 1 && time.Since(begin) > slow {
			break
		}
		answered, err := o.answer(asked)
		if err != nil {
			return answer{}, err
		}
		if round == 0 {
			if answered.Panic != "" {
				return answer{}, fmt.Errorf("kube-apiserver panics: %s", answered.Panic)
			}
			first = answered
			firstText, err = json.Marshal(answered)
			if err != nil {
				return answer{}, err
			}
			if len(firstText) > maxAnswer {
				return answer{}, fmt.Errorf("an answer of %d bytes", len(firstText))
			}
			continue
		}
		text, err := json.Marshal(answered)
		if err != nil {
			return answer{}, err
		}
		if !bytes.Equal(firstText, text) {
			return answer{}, fmt.Errorf("two answers: %s and %s", firstText, text)
		}
	}
	return first, nil
}

// identity names a case by its content, so that it keeps its name wherever it stands.
func (c testCase) identity() string {
	sum := sha256.New()
	for _, part := range []string{c.Env, c.Purpose, c.Expression, string(c.Input)} {
		fmt.Fprintf(sum, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(sum.Sum(nil))[:12]
}
