package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"

	authenticationcel "k8s.io/apiserver/pkg/authentication/cel"
	"k8s.io/apiserver/pkg/authentication/user"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/lazy"
)

// testCase is a question: an expression, where it stands (by default a mapping over `claims`), and what it is over.
type testCase struct {
	ID         string          `json:"id,omitempty"`
	Expression string          `json:"expression"`
	Env        string          `json:"env,omitempty"`
	Purpose    string          `json:"purpose,omitempty"`
	Input      json.RawMessage `json:"input,omitempty"`
}

// answer is what kube-apiserver makes of a case: CompileError alone, or Error and Cost, or all the others.
type answer struct {
	// CompileError is the detail of the compiler's error.
	CompileError string `json:"compile_error,omitempty"`
	// Error is the text of the evaluation's error.
	Error string `json:"error,omitempty"`
	// Value is the value in the form of value.go, and Type the name of its type.
	Value any    `json:"value,omitempty"`
	Type  string `json:"type,omitempty"`
	// ValueForm is the Go type of a list's Value().
	ValueForm string `json:"value_form,omitempty"`
	// Strings is what a mapping of groups takes from the value: null if it refuses, [] if that is nothing.
	Strings any `json:"strings,omitempty"`
	// Cost is what the evaluation cost, also when it failed.
	Cost *uint64 `json:"cost,omitempty"`
	// Panic is what kube-apiserver panics with: cel-go recovers while it evaluates, but not while it plans.
	Panic string `json:"panic,omitempty"`
}

// userInput is the input of a case over `user`.
type userInput struct {
	Username string              `json:"username"`
	UID      string              `json:"uid"`
	Groups   []string            `json:"groups"`
	Extra    map[string][]string `json:"extra"`
}

type oracle struct {
	compiler authenticationcel.Compiler
}

func newOracle() oracle {
	// As oidc.New does. Feature gates have the values that this release gives them.
	return oracle{compiler: authenticationcel.NewDefaultCompiler()}
}

// answer compiles and evaluates. Its error says that the case itself is not one.
func (o oracle) answer(asked testCase) (answered answer, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			answered, err = answer{Panic: fmt.Sprint(panicked)}, nil
		}
	}()
	variable, err := asked.variable()
	if err != nil {
		return answer{}, err
	}
	compiled, err := o.compile(asked)
	if err != nil {
		if refused, ok := err.(*apiservercel.Error); ok {
			return answer{CompileError: refused.Detail}, nil
		}
		return answer{}, err
	}

	value, details, err := compiled.Program.ContextEval(context.Background(), variable)
	if details != nil {
		answered.Cost = details.ActualCost()
	}
	if err != nil {
		answered.Error = err.Error()
		return answered, nil
	}
	answered.Value, answered.Type = canonical(value), value.Type().TypeName()
	if lister, ok := value.(traits.Lister); ok {
		answered.ValueForm = fmt.Sprintf("%T", lister.Value())
	}
	answered.Strings = json.RawMessage("null")
	if taken, ok := stringList(value); ok {
		answered.Strings = taken
	}
	return answered, nil
}

// compile compiles the expression as kube-apiserver does what stands in such a place. Mappings over `user` have no place
// there, but the compiler takes them.
func (o oracle) compile(asked testCase) (authenticationcel.CompilationResult, error) {
	isRule := asked.Purpose == "rule"
	switch asked.Env {
	case "user":
		if isRule {
			return o.compiler.CompileUserExpression(&authenticationcel.UserValidationCondition{Expression: asked.Expression})
		}
		return o.compiler.CompileUserExpression(&authenticationcel.ClaimMappingExpression{Expression: asked.Expression})
	default:
		if isRule {
			return o.compiler.CompileClaimsExpression(&authenticationcel.ClaimValidationCondition{Expression: asked.Expression})
		}
		return o.compiler.CompileClaimsExpression(&authenticationcel.ClaimMappingExpression{Expression: asked.Expression})
	}
}

// variable makes `claims` or `user` from the input.
func (c testCase) variable() (*activation, error) {
	if c.Purpose != "" && c.Purpose != "rule" && c.Purpose != "mapping" {
		return nil, fmt.Errorf("unknown purpose %q", c.Purpose)
	}
	input := c.Input
	if len(input) == 0 {
		input = json.RawMessage("{}")
	}
	switch c.Env {
	case "", "claims":
		var claims map[string]json.RawMessage
		if err := json.Unmarshal(input, &claims); err != nil {
			return nil, fmt.Errorf("claims: %w", err)
		}
		return &activation{name: "claims", value: claimsValue(claims)}, nil
	case "user":
		var given userInput
		if err := json.Unmarshal(input, &given); err != nil {
			return nil, fmt.Errorf("user: %w", err)
		}
		info := &user.DefaultInfo{Name: given.Username, UID: given.UID, Groups: given.Groups, Extra: given.Extra}
		return &activation{name: "user", value: userValue(info)}, nil
	default:
		return nil, fmt.Errorf("unknown env %q", c.Env)
	}
}

// activation holds the one variable (as apiserver's varNameActivation).
type activation struct {
	name  string
	value traits.Mapper
}

func (a *activation) ResolveName(name string) (any, bool) {
	if name == a.name {
		return a.value, true
	}
	return nil, false
}

func (a *activation) Parent() interpreter.Activation { return nil }

// claimsValue is what oidc.go's newClaimsValue makes. The names are in order here, in none there.
func claimsValue(claims map[string]json.RawMessage) *lazy.MapValue {
	value := lazy.NewMapValue(types.NewObjectType("kubernetes.claims"))
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		value.Append(name, func(*lazy.MapValue) ref.Val {
			var decoded any
			if err := json.Unmarshal(claims[name], &decoded); err != nil {
				return types.NewErr("claim %q failed to unmarshal: %w", name, err)
			}
			return native(decoded)
		})
	}
	return value
}

// userValue is what oidc.go's newUserInfoValue makes.
func userValue(info user.Info) *lazy.MapValue {
	value := lazy.NewMapValue(types.NewObjectType("kubernetes.UserInfo"))
	value.Append("username", func(*lazy.MapValue) ref.Val { return native(info.GetName()) })
	value.Append("uid", func(*lazy.MapValue) ref.Val { return native(info.GetUID()) })
	value.Append("groups", func(*lazy.MapValue) ref.Val { return native(info.GetGroups()) })
	value.Append("extra", func(*lazy.MapValue) ref.Val { return native(info.GetExtra()) })
	return value
}

// native is oidc.go's nativeToValueWithUnescape.
func native(value any) ref.Val {
	return unescaping(types.DefaultTypeAdapter.NativeToValue(value))
}

// unescaping is oidc.go's unescapeWrapper. What the wrappers embed decides which interfaces of cel-go they fulfil, so
// they embed what those of oidc.go embed.
func unescaping(value ref.Val) ref.Val {
	switch wrapped := value.(type) {
	case traits.Mapper:
		return &unescapingMap{Mapper: wrapped}
	case traits.Lister:
		return &unescapingList{Lister: wrapped}
	default:
		return value
	}
}

type unescapingMap struct {
	traits.Mapper
}

func (m *unescapingMap) Find(key ref.Val) (ref.Val, bool) {
	if name, ok := key.(types.String); ok {
		if unescaped, ok := apiservercel.Unescape(string(name)); ok && unescaped != string(name) {
			key = types.String(unescaped)
		}
	}
	value, found := m.Mapper.Find(key)
	return unescaping(value), found
}

type unescapingList struct {
	traits.Lister
}

func (l *unescapingList) Get(index ref.Val) ref.Val {
	return unescaping(l.Lister.Get(index))
}

// stringList is what oidc.go's convertCELValueToStringList makes of a value: false if it refuses.
func stringList(value ref.Val) ([]string, bool) {
	strings := []string{}
	// An empty string counts as nothing.
	take := func(element any) bool {
		text, ok := element.(string)
		if ok && text != "" {
			strings = append(strings, text)
		}
		return ok
	}
	switch value.Type().TypeName() {
	case types.StringType.TypeName():
		return strings, take(value.Value())
	case types.NullType.TypeName():
		return strings, true
	case types.ListType.TypeName():
		switch elements := value.Value().(type) {
		case []any:
			for _, element := range elements {
				if !take(element) {
					return nil, false
				}
			}
			return strings, true
		case []ref.Val:
			for _, element := range elements {
				if !take(element.Value()) {
					return nil, false
				}
			}
			return strings, true
		}
	}
	return nil, false
}
