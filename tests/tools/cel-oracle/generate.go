package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/google/cel-go/common/decls"
	"github.com/google/cel-go/common/types"

	apiservercel "k8s.io/apiserver/pkg/cel"
)

// generator makes cases. The same seed makes the same cases.
type generator struct {
	random    *rand.Rand
	functions map[string]*decls.FunctionDecl
	// producers are the overloads by what they give, as text, for nested expressions.
	producers map[string][]call
	cases     []testCase
}

// call is an overload that can be written.
type call struct {
	function string
	overload *decls.OverloadDecl
}

// writeGenerated is the command that writes cases.
func writeGenerated(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("generate", flag.ContinueOnError)
	seed := flags.Uint64("seed", defaultSeed, "where chance begins")
	count := flags.Int("count", defaultCount, "how many cases")
	if err := flags.Parse(args); err != nil {
		return err
	}
	cases, err := generate(*seed, *count)
	if err != nil {
		return err
	}
	for _, each := range cases {
		if err := writeLine(out, each); err != nil {
			return err
		}
	}
	return nil
}

// The vectors are made with these.
const (
	defaultSeed  = 1
	defaultCount = 3400
)

// generate makes cases: every overload, every operator over pairs of kinds, then nested expressions up to the count.
func generate(seed uint64, count int) ([]testCase, error) {
	env, err := storedEnvironment("claims")
	if err != nil {
		return nil, err
	}
	g := &generator{
		random:    rand.New(rand.NewPCG(seed, 0)),
		functions: env.Functions(),
		producers: map[string][]call{},
	}
	g.eachOverload()
	g.eachPair()
	for len(g.cases) < count {
		g.add(g.nested(pick(g, kinds), 2))
	}
	return g.cases, nil
}

// add adds a case over what it names of the claims.
func (g *generator) add(expression string) {
	g.cases = append(g.cases, testCase{Expression: expression, Input: claimsNamedIn(expression)})
}

// eachOverload calls each overload with values that fit, one that doesn't fit, one that fits no static type, and a wrong
// number of values.
func (g *generator) eachOverload() {
	for _, name := range slices.Sorted(maps.Keys(g.functions)) {
		if g.functions[name].IsDeclarationDisabled() || strings.HasPrefix(name, "@") && name != "@in" || name == "_?._" {
			continue
		}
		for _, overload := range g.functions[name].OverloadDecls() {
			if strings.Contains(fmt.Sprint(overload.ArgTypes()), "authorization") {
				continue
			}
			result := overload.ResultType().String()
			g.producers[result] = append(g.producers[result], call{name, overload})
			fitting := 3
			if isOperator(name) {
				fitting = 1
			}
			for range fitting {
				g.add(write(name, overload, g.arguments(name, overload)))
			}
			if len(overload.ArgTypes()) == 0 {
				continue
			}
			wrong := g.arguments(name, overload)
			at := g.random.IntN(len(wrong))
			wrong[at] = g.sample(pick(g, kinds))
			g.add(write(name, overload, wrong))

			unknown := g.arguments(name, overload)
			at = g.random.IntN(len(unknown))
			unknown[at] = "dyn(" + g.sample(pick(g, kinds)) + ")"
			g.add(write(name, overload, unknown))

			fromClaims := g.arguments(name, overload)
			fromClaims[g.random.IntN(len(fromClaims))] = pick(g, claimPaths)
			g.add(write(name, overload, fromClaims))

			if isOperator(name) || g.random.IntN(3) > 0 {
				continue
			}
			number := g.arguments(name, overload)
			if g.random.IntN(2) == 0 && len(number) > 1 {
				number = number[:len(number)-1]
			} else {
				number = append(number, g.sample(pick(g, kinds)))
			}
			g.add(write(name, overload, number))
		}
	}
}

// eachPair compares everything with everything, and puts operators between kinds.
func (g *generator) eachPair() {
	for _, left := range kinds {
		for some := range slices.Chunk(kinds, 7) {
			var equal, unequal []string
			for _, right := range some {
				a, b := g.sample(left), g.sample(right)
				equal = append(equal, fmt.Sprintf("dyn(%s) == dyn(%s)", a, b))
				unequal = append(unequal, fmt.Sprintf("[dyn(%s)] != [dyn(%s)]", a, b))
			}
			g.add("[" + strings.Join(equal, ", ") + "]")
			g.add("[" + strings.Join(unequal, ", ") + "]")
		}
	}
	for _, operator := range []string{"==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "in", "&&", "||"} {
		for _, kind := range kinds {
			g.add(fmt.Sprintf("%s %s %s", g.sample(kind), operator, g.sample(pick(g, kinds))))
			g.add(fmt.Sprintf("dyn(%s) %s dyn(%s)", g.sample(kind), operator, g.sample(pick(g, kinds))))
		}
		for range 3 {
			g.add(fmt.Sprintf("%s %s %s", pick(g, claimPaths), operator, g.sample(pick(g, kinds))))
		}
	}
	for _, kind := range kinds {
		a := g.sample(kind)
		g.add(fmt.Sprintf("type(%s)", a))
		g.add(fmt.Sprintf("[%s, %s]", a, g.sample(kind)))
		g.add(fmt.Sprintf("{%s: 1}", a))
		g.add(fmt.Sprintf("dyn(%s)[%s]", a, g.sample(pick(g, kinds))))
		g.add(fmt.Sprintf("dyn(%s).f", a))
		g.add(fmt.Sprintf("has(dyn(%s).f)", a))
		g.add(fmt.Sprintf("dyn(%s).?f", a))
		g.add(fmt.Sprintf("dyn(%s)[?%s]", a, g.sample(pick(g, kinds))))
		g.add(fmt.Sprintf("dyn(%s).all(x, x == x)", a))
		g.add(fmt.Sprintf("dyn(%s) ? 1 : 2", a))
		g.add(fmt.Sprintf("optional.ofNonZeroValue(%s)", a))
		g.add(fmt.Sprintf("'%%s'.format([%s])", a))
		g.add(fmt.Sprintf("[%s, %s].sort()", a, g.sample(kind)))
		g.add(fmt.Sprintf("[%s, %s, %s].distinct()", a, g.sample(kind), a))
		for _, to := range []string{"bool", "bytes", "double", "duration", "int", "string", "timestamp", "uint"} {
			g.add(fmt.Sprintf("%s(dyn(%s))", to, a))
		}
	}
}

// nested writes an expression of that kind, of calls within calls. Sometimes one is of another kind.
func (g *generator) nested(kind string, depth int) string {
	if g.random.IntN(12) == 0 {
		kind = pick(g, kinds)
	}
	if depth == 0 {
		if g.random.IntN(3) == 0 {
			return pick(g, claimPaths)
		}
		return g.sample(kind)
	}
	inner := func(kind string) string { return g.nested(kind, depth-1) }
	switch g.random.IntN(12) {
	case 0:
		return fmt.Sprintf("(%s ? %s : %s)", inner("bool"), inner(kind), inner(kind))
	case 1:
		return fmt.Sprintf("[%s, %s].map(x, %s)[%s]", inner(kind), inner(kind), pick(g, []string{"x", inner(kind)}), pick(g, []string{"0", "1", "2"}))
	case 2:
		return fmt.Sprintf("optional.of(%s).orValue(%s)", inner(kind), inner(kind))
	case 3:
		return fmt.Sprintf("[%s].filter(x, %s)[?0].orValue(%s)", inner(kind), inner("bool"), inner(kind))
	case 4:
		return fmt.Sprintf("{%s: %s}[%s]", "'k'", inner(kind), pick(g, []string{"'k'", "'j'"}))
	}
	if kind == "bool" && g.random.IntN(3) == 0 {
		element := pick(g, []string{"int", "string", "double"})
		macro := pick(g, []string{"all", "exists", "exists_one"})
		return fmt.Sprintf("[%s, %s].%s(x, x %s %s)", inner(element), inner(element), macro, pick(g, []string{"==", "!=", "<", ">="}), inner(element))
	}
	makers := g.producers[kind]
	if len(makers) == 0 {
		return g.sample(kind)
	}
	maker := pick(g, makers)
	var arguments []string
	bound := pick(g, kinds)
	for _, argument := range maker.overload.ArgTypes() {
		if special, found := specialStrings[maker.function]; found && argument.String() == "string" && g.random.IntN(2) == 0 {
			arguments = append(arguments, pick(g, special))
		} else if maker.function == "lists.range" {
			arguments = append(arguments, pick(g, rangeLengths))
		} else if _, plain := samples[argument.String()]; plain {
			arguments = append(arguments, inner(argument.String()))
		} else {
			arguments = append(arguments, g.value(argument, bound))
		}
	}
	return write(maker.function, maker.overload, arguments)
}

// arguments are values that fit the overload.
func (g *generator) arguments(function string, overload *decls.OverloadDecl) []string {
	bound := pick(g, kinds)
	var arguments []string
	for _, argument := range overload.ArgTypes() {
		if special, found := specialStrings[function]; found && argument.String() == "string" {
			arguments = append(arguments, pick(g, special))
		} else if function == "lists.range" {
			arguments = append(arguments, pick(g, rangeLengths))
		} else {
			arguments = append(arguments, g.value(argument, bound))
		}
	}
	return arguments
}

// value is a value of that type; type parameters stand for the bound kind.
func (g *generator) value(t *types.Type, bound string) string {
	several := func(write func() string) string {
		var elements []string
		for range g.random.IntN(4) {
			elements = append(elements, write())
		}
		return strings.Join(elements, ", ")
	}
	parameters := t.Parameters()
	switch {
	case t.Kind() == types.TypeParamKind:
		return g.sample(bound)
	case t.Kind() == types.ListKind && len(parameters) == 1:
		return "[" + several(func() string { return g.value(parameters[0], bound) }) + "]"
	case t.Kind() == types.MapKind && len(parameters) == 2:
		key, value := parameters[0], parameters[1]
		if key.Kind() == types.TypeParamKind {
			key = types.StringType
		}
		return "{" + g.value(key, bound) + ": " + g.value(value, bound) + "}"
	case t.TypeName() == "optional_type" && len(parameters) == 1:
		if g.random.IntN(3) == 0 {
			return "optional.none()"
		}
		return "optional.of(" + g.value(parameters[0], bound) + ")"
	case t.Kind() == types.TypeKind:
		return pick(g, []string{"int", "string", "type"})
	}
	if _, found := samples[t.String()]; found {
		return g.sample(t.String())
	}
	return g.sample(pick(g, kinds))
}

func (g *generator) sample(kind string) string {
	return pick(g, samples[kind])
}

func pick[T any](g *generator, from []T) T {
	return from[g.random.IntN(len(from))]
}

func isOperator(function string) bool {
	return strings.ContainsAny(function, "_@") && !strings.ContainsAny(function[:1], "abcdefghijklmnopqrstuvwxyz")
}

// write writes a call as it stands in an expression.
func write(function string, overload *decls.OverloadDecl, arguments []string) string {
	if isOperator(function) {
		if function == "@in" {
			function = "_ in _"
		}
		text := function
		for _, argument := range arguments {
			text = strings.Replace(text, "_", "\x00"+strings.ReplaceAll(argument, "_", "\x01"), 1)
		}
		text = strings.ReplaceAll(text, "\x00", "")
		text = strings.ReplaceAll(text, "\x01", "_")
		for _, operator := range []string{"&&", "||", "==", "!=", "<=", ">="} {
			if function == "_"+operator+"_" {
				return arguments[0] + " " + operator + " " + arguments[1]
			}
		}
		if len(function) == 3 && len(arguments) == 2 {
			return arguments[0] + " " + function[1:2] + " " + arguments[1]
		}
		return text
	}
	if overload.IsMemberFunction() {
		return arguments[0] + "." + function + "(" + strings.Join(arguments[1:], ", ") + ")"
	}
	return function + "(" + strings.Join(arguments, ", ") + ")"
}

// claimsNamedIn are those of the sample claims whose names stand in the expression.
func claimsNamedIn(expression string) json.RawMessage {
	if !strings.Contains(expression, "claims") {
		return nil
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal([]byte(sampleClaims), &all); err != nil {
		panic(err)
	}
	named := map[string]json.RawMessage{}
	for name, value := range all {
		escaped, ok := apiservercel.Escape(name)
		if strings.Contains(expression, name) || ok && strings.Contains(expression, escaped) {
			named[name] = value
		}
	}
	text, err := json.Marshal(named)
	if err != nil {
		panic(err)
	}
	return text
}
