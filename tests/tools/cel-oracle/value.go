package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/lazy"
)

// canonical writes a value as an object of one field, whose name is the kind of the value:
//
//	{"null": null}, {"bool": true}, {"string": "…"}, {"bytes": "00ff"}
//	{"int": "1"}, {"uint": "1"}, {"double": "1.5"}   doubles as strconv.FormatFloat 'g' -1 writes them
//	{"list": [value, …]}
//	{"map": [[key, value], …]}                       in the order of the keys' JSON, by bytes
//	{"duration": "1500000000"}                       nanoseconds
//	{"timestamp": "-1.500000000"}                    seconds since 1970, rounded down, and nanoseconds beyond them: here -0.5
//	{"type": "int"}                                  the type's runtime name
//	{"optional": value or null}
//	{"opaque": ["net.IP", "10.0.0.1"]}               name of the type, and Go's String() (for a format its name)
//	{"lazy": "kubernetes.claims"}                    `claims` or `user` as a whole
//	{"message": ["google.protobuf.Empty", "…"]}      any other message of Protocol Buffers, as text
func canonical(value ref.Val) any {
	tagged := func(kind string, content any) any { return map[string]any{kind: content} }
	opaque := func(text string) any { return tagged("opaque", []string{value.Type().TypeName(), text}) }
	switch v := value.(type) {
	case types.Null:
		return tagged("null", nil)
	case types.Bool:
		return tagged("bool", bool(v))
	case types.Int:
		return tagged("int", strconv.FormatInt(int64(v), 10))
	case types.Uint:
		return tagged("uint", strconv.FormatUint(uint64(v), 10))
	case types.Double:
		return tagged("double", strconv.FormatFloat(float64(v), 'g', -1, 64))
	case types.String:
		return tagged("string", string(v))
	case types.Bytes:
		return tagged("bytes", hex.EncodeToString(v))
	case types.Duration:
		return tagged("duration", strconv.FormatInt(int64(v.Duration), 10))
	case types.Timestamp:
		return tagged("timestamp", timestampText(v.Time))
	case *types.Type:
		return tagged("type", v.TypeName())
	case *types.Optional:
		if !v.HasValue() {
			return tagged("optional", nil)
		}
		return tagged("optional", canonical(v.GetValue()))
	case apiservercel.CIDR:
		return opaque(v.Prefix.String())
	case *apiservercel.Format:
		return opaque(v.Name)
	case apiservercel.IP:
		return opaque(v.Addr.String())
	case apiservercel.Quantity:
		return opaque(v.Quantity.String())
	case *apiservercel.Quantity:
		// What add and sub give.
		return opaque(v.Quantity.String())
	case apiservercel.Semver:
		return opaque(v.Version.String())
	case apiservercel.URL:
		return opaque(v.URL.String())
	case *lazy.MapValue:
		return tagged("lazy", v.Type().TypeName())
	case traits.Lister:
		elements := []any{}
		for each := v.Iterator(); each.HasNext() == types.True; {
			elements = append(elements, canonical(each.Next()))
		}
		return tagged("list", elements)
	case traits.Mapper:
		return tagged("map", canonicalEntries(v))
	}
	if message, ok := value.Value().(proto.Message); ok {
		text, _ := prototext.Marshal(message)
		// That package varies its spaces on purpose.
		return tagged("message", []string{value.Type().TypeName(), strings.Join(strings.Fields(string(text)), " ")})
	}
	return tagged("other", fmt.Sprintf("%T", value))
}

func canonicalEntries(value traits.Mapper) []any {
	type entry struct {
		order string
		pair  []any
	}
	entries := []entry{}
	for each := value.Iterator(); each.HasNext() == types.True; {
		key := each.Next()
		written := canonical(key)
		order, _ := json.Marshal(written)
		entries = append(entries, entry{string(order), []any{written, canonical(value.Get(key))}})
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.order, b.order) })
	pairs := []any{}
	for _, entry := range entries {
		pairs = append(pairs, entry.pair)
	}
	return pairs
}

func timestampText(moment time.Time) string {
	return fmt.Sprintf("%d.%09d", moment.Unix(), moment.Nanosecond())
}
