package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/pb"

	"k8s.io/apimachinery/pkg/util/version"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/environment"
)

// writeDeclarations writes what the type checker knows, one declaration a line, fields separated by tabs:
//
//	function	NAME	OVERLOAD	member|global	ARGUMENTS, separated by ", "	RESULT
//	macro	NAME	member|global	NUMBER OF ARGUMENTS
//	ident	NAME	TYPE	both|claims|user, the environments	VALUE, of a constant
//	field	MESSAGE	NAME	TYPE	both|claims|user
//
// Functions are in the order of their names, overloads in the order in which the checker tries them; both are the same in
// both environments. Types are as cel-go's Type.String() writes them: type parameters stand in angle brackets, as in
// `list(<T>)`.
func writeDeclarations(out io.Writer) error {
	claims, err := describe("claims")
	if err != nil {
		return err
	}
	user, err := describe("user")
	if err != nil {
		return err
	}
	for _, line := range merged(claims, user) {
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}

// merged names for each line the environments that have it, where "%s" stands for them.
func merged(claims, user []string) []string {
	var lines []string
	for _, line := range claims {
		of := "claims"
		if slices.Contains(user, line) {
			of = "both"
		}
		lines = append(lines, strings.ReplaceAll(line, "%s", of))
	}
	for _, line := range user {
		if !slices.Contains(claims, line) {
			lines = append(lines, strings.ReplaceAll(line, "%s", "user"))
		}
	}
	return lines
}

func describe(variable string) ([]string, error) {
	env, err := storedEnvironment(variable)
	if err != nil {
		return nil, err
	}
	// Whatever is named anywhere may be an identifier.
	names := map[string]bool{}
	lines := describeFunctions(env, names)
	lines = append(lines, describeMacros(env)...)

	variables := map[string]*types.Type{}
	for _, variable := range env.Variables() {
		variables[variable.Name()] = variable.Type()
		names[variable.Name()] = true
		note(names, variable.Type())
	}
	for _, file := range pb.NewDb().FileDescriptions() {
		for _, name := range append(file.GetTypeNames(), file.GetEnumNames()...) {
			names[name] = true
		}
	}
	provider := env.CELTypeProvider()
	for _, name := range slices.Sorted(maps.Keys(names)) {
		ident := func(t *types.Type, value string) {
			lines = append(lines, strings.Join([]string{"ident", name, t.String(), "%s", value}, "\t"))
		}
		// In the order of cel-go's checker.Env.LookupIdent.
		if declared, found := variables[name]; found {
			ident(declared, "")
		} else if found, ok := provider.FindStructType(name); ok {
			ident(found, "")
		} else if found, ok := provider.FindIdent(name); ok {
			if found, ok := found.(*types.Type); ok {
				ident(types.NewTypeTypeWithParam(found), "")
			} else if value := provider.EnumValue(name); value.Type() != types.ErrType {
				ident(types.IntType, fmt.Sprint(value.Value()))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		fields := []string{"extra", "groups", "uid", "username"}
		if message, found := pb.NewDb().DescribeType(name); found {
			fields = slices.Sorted(maps.Keys(message.FieldMap()))
		}
		for _, field := range fields {
			if found, ok := provider.FindStructFieldType(name, field); ok {
				lines = append(lines, strings.Join([]string{"field", name, field, found.Type.String(), "%s"}, "\t"))
			}
		}
	}
	return lines, nil
}

func describeFunctions(env *cel.Env, names map[string]bool) []string {
	var lines []string
	functions := env.Functions()
	for _, name := range slices.Sorted(maps.Keys(functions)) {
		if functions[name].IsDeclarationDisabled() {
			continue
		}
		for _, overload := range functions[name].OverloadDecls() {
			arguments := []string{}
			for _, argument := range overload.ArgTypes() {
				arguments = append(arguments, argument.String())
				note(names, argument)
			}
			note(names, overload.ResultType())
			lines = append(lines, strings.Join([]string{"function", name, overload.ID(), place(overload.IsMemberFunction()),
				strings.Join(arguments, ", "), overload.ResultType().String()}, "\t"))
		}
	}
	return lines
}

func describeMacros(env *cel.Env) []string {
	var lines []string
	for _, macro := range env.Macros() {
		// function:count:is-receiver
		count := strings.Split(macro.MacroKey(), ":")[1]
		lines = append(lines, strings.Join([]string{"macro", macro.Function(), place(macro.IsReceiverStyle()), count}, "\t"))
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

func note(names map[string]bool, t *types.Type) {
	names[t.DeclaredTypeName()], names[t.TypeName()] = true, true
	for _, parameter := range t.Parameters() {
		note(names, parameter)
	}
}

func place(isMember bool) string {
	if isMember {
		return "member"
	}
	return "global"
}

// storedEnvironment is the environment of k8s.io/apiserver/pkg/authentication/cel for expressions over that variable.
func storedEnvironment(variable string) (*cel.Env, error) {
	declared := apiservercel.NewMapType(apiservercel.StringType, apiservercel.AnyType, -1)
	if variable == "user" {
		field := func(name string, declared *apiservercel.DeclType) *apiservercel.DeclField {
			return apiservercel.NewDeclField(name, declared, false, nil, nil)
		}
		groups := apiservercel.NewListType(apiservercel.StringType, -1)
		declared = apiservercel.NewObjectType("kubernetes.UserInfo", map[string]*apiservercel.DeclField{
			"username": field("username", apiservercel.StringType),
			"uid":      field("uid", apiservercel.StringType),
			"groups":   field("groups", groups),
			"extra":    field("extra", apiservercel.NewMapType(apiservercel.StringType, groups, -1)),
		})
	}
	set, err := environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()).Extend(environment.VersionedOptions{
		IntroducedVersion: version.MajorMinor(1, 0),
		EnvOptions:        []cel.EnvOption{cel.Variable(variable, declared.CelType())},
		DeclTypes:         []*apiservercel.DeclType{declared},
	})
	if err != nil {
		return nil, err
	}
	return set.Env(environment.StoredExpressions)
}
