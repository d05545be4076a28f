package main

import (
	"maps"
	"slices"
)

// kinds are the kinds of values, by cel-go's names of their types.
var kinds = slices.Sorted(maps.Keys(samples))

// samples are values of each kind: ordinary ones and those at a border.
var samples = map[string][]string{
	"bool":   {"true", "false"},
	"bytes":  {"b''", "b'abc'", "b'\\xff\\x00'", "b'ß'"},
	"double": {"0.0", "1.0", "-1.5", "1e6", "123456789.0", "1e21", "1e-7", "0.1", "9223372036854775808.0", "double('NaN')", "double('-Infinity')", "-0.0"},
	"google.protobuf.Duration": {
		"duration('0s')", "duration('1h30m')", "duration('-1.5s')", "duration('1ns')", "duration('2562047h47m16.854775807s')",
	},
	"google.protobuf.Timestamp": {
		"timestamp('1970-01-01T00:00:00Z')", "timestamp('2023-11-15T20:43:40.123456789Z')", "timestamp('0001-01-01T00:00:00Z')",
		"timestamp('9999-12-31T23:59:59.999999999Z')", "timestamp('2024-02-29T01:02:03+05:30')",
	},
	"int":               {"0", "1", "-1", "2", "42", "9223372036854775807", "-9223372036854775808"},
	"list(dyn)":         {"dyn([])", "dyn([1, 'a'].map(x, x))", "[dyn(1), dyn('a')]"},
	"list(int)":         {"[]", "[1, 2]", "[3, 1, 2, 1]", "[9223372036854775807, 1]"},
	"list(string)":      {"['a', 'b']", "['b', 'a', 'ß', '']", "'x,y'.split(',')"},
	"map(string, int)":  {"{}", "{'a': 1}", "{'f': 1}"},
	"map(int, string)":  {"{1: 'a'}"},
	"null_type":         {"null"},
	"optional_type":     {"optional.none()", "optional.of(1)", "optional.of('a')", "optional.of(null)"},
	"string":            {"''", "'a'", "'hello'", "'Ünïcödé ß'", "'😀x'", "'1'", "'-9223372036854775809'", "'true'", "'1.5e3'", "'a,b,,c'", "'  pad\\t'", "'f'"},
	"type":              {"int", "string", "type", "null_type", "type(1.0)", "net.IP", "google.protobuf.Timestamp", "type(optional.none())"},
	"uint":              {"0u", "1u", "42u", "18446744073709551615u"},
	"net.IP":            {"ip('10.0.0.1')", "ip('::1')", "ip('2001:db8::ff')", "ip('224.0.0.1')", "ip('fe80::1')", "ip('0.0.0.0')"},
	"net.CIDR":          {"cidr('10.0.0.0/8')", "cidr('10.1.2.3/24')", "cidr('2001:db8::/32')", "cidr('::/0')", "cidr('10.0.0.1/32')"},
	"kubernetes.URL":    {"url('https://user:p@example.com:8443/a%20b/c?x=1&y=2&x=3')", "url('http://[::1]:80')", "url('/only/path')"},
	"kubernetes.Semver": {"semver('1.2.3')", "semver('1.2.3-alpha.1+build.5')", "semver('10.0.0')"},
	"kubernetes.Quantity": {
		"quantity('1')", "quantity('1.5Gi')", "quantity('-100m')", "quantity('1e3')", "quantity('9223372036854775807')",
		"quantity('12345678901234567890')", "quantity('0.0001')", "quantity('1k')",
	},
	"kubernetes.NamedFormat": {"format.dns1123Label()", "format.uuid()", "format.byte()", "format.date()"},
}

// specialStrings are the strings that a function is likely to get, good and bad.
var specialStrings = map[string][]string{
	"bool":            {"'true'", "'True'", "'t'", "'1'", "'TRUE'", "'yes'", "'tRUE'", "'F'"},
	"cidr":            {"'10.0.0.0/8'", "'10.0.0.1/8'", "'::/0'", "'10.0.0.0/33'", "'10.0.0.0'", "'fe80::1%eth0/64'", "'::ffff:10.0.0.0/104'", "'10.0.0.0/08'"},
	"double":          {"'1'", "'1e400'", "'NaN'", "'-inf'", "'0x1p-2'", "'1_000'", "' 1'", "'.5'", "'infinity'"},
	"duration":        {"'1h'", "'1h1m1s1ms1us1ns'", "'-1.5h'", "'1d'", "''", "'5'", "'2562048h'", "'.5s'", "'1µs'", "'+1m'", "'1.s'"},
	"find":            {"'abc 123'", "'[0-9]+'", "'(a)(b)?'", "'['", "'\\\\d'", "''", "'ß+'", "'(?i)ABC'"},
	"findAll":         {"'abc 123 45'", "'[0-9]+'", "'a|b'", "'*'", "''", "'.'"},
	"format":          {"'%s'", "'%d'", "'%.2f'", "'%e'", "'%b'", "'%x'", "'%X'", "'%o'", "'%%'", "'%'", "'%z'", "'%s %s'", "'%.3e'"},
	"format.named":    {"'dns1123Label'", "'uuid'", "'nope'", "''", "'byte'", "'uri'"},
	"getDate":         zones,
	"getDayOfMonth":   zones,
	"getDayOfWeek":    zones,
	"getDayOfYear":    zones,
	"getFullYear":     zones,
	"getHours":        zones,
	"getMilliseconds": zones,
	"getMinutes":      zones,
	"getMonth":        zones,
	"getSeconds":      zones,
	"int":             {"'1'", "'-9223372036854775808'", "'9223372036854775808'", "'1.0'", "'0x10'", "'+5'", "'1_0'", "''", "'007'"},
	"ip":              {"'10.0.0.1'", "'::1'", "'::ffff:1.2.3.4'", "'1.2.3'", "'01.2.3.4'", "'fe80::1%eth0'", "''", "'1.2.3.256'"},
	"ip.isCanonical":  {"'10.0.0.1'", "'2001:DB8::1'", "'2001:db8:0:0::1'", "'::'", "'x'"},
	"isCIDR":          {"'10.0.0.0/8'", "'10.0.0.0/33'", "'x'", "'::1/128'", "'::ffff:1.2.3.4/120'"},
	"isIP":            {"'10.0.0.1'", "'::g'", "'1:2:3:4:5:6:7:8'", "'::1%1'", "'1.2.3.04'"},
	"isQuantity":      {"'1'", "'1Ki'", "'1 Ki'", "'1e'", "'.'", "'+1.5M'", "'1E3'", "''"},
	"isSemver":        {"'1.2.3'", "'v1.2.3'", "'1.2'", "'01.2.3'", "'1.2.3-'", "'1.2.3+a'", "''"},
	"isURL":           {"'https://a/b'", "'a'", "'/a'", "'http://[::1'", "'http://a:b'", "'%zz'", "'mailto:x'", "''"},
	"matches":         {"'abc'", "'^a.c$'", "'b'", "'('", "'^\\\\pL+$'", "'(?s).'", "'a{2,1}'", "'\\\\z'"},
	"quantity":        {"'1'", "'1.5Gi'", "'-1m'", "'1e3'", "'1E'", "'1KI'", "'0.1234567891'", "'999999999999999999999'", "'1n'"},
	"semver":          {"'1.2.3'", "'v1.2.3'", "'1.2'", "'1.2.3-rc.1'", "'1.2.3-01'", "'1.2.3+b.01'", "'99999999999999999999.0.0'"},
	"timestamp": {"'2023-01-01T00:00:00Z'", "'2023-01-01T00:00:00.123+02:00'", "'2023-01-01'", "'2023-02-30T00:00:00Z'",
		"'0000-12-31T23:59:59Z'", "'9999-12-31T23:59:59.9999999999Z'", "'2023-01-01t00:00:00z'", "'2023-01-01T24:00:00Z'", "'2023-01-01T00:00:00,5Z'"},
	"uint":     {"'1'", "'-1'", "'18446744073709551615'", "'18446744073709551616'", "'1.5'", "''"},
	"url":      {"'https://user:p@example.com:8443/a%20b?x=1&y=2'", "'a'", "'/a?b=c#d'", "'http://[::1]:80/'", "'http://a:b'", "'%zz'", "'HTTP://EXAMPLE.com'"},
	"validate": {"'abc'", "'a_b'", "''", "'AbC'", "'2020-01-01'", "'x.y'", "'0123456789012345678901234567890123456789012345678901234567890123456789'"},
}

// rangeLengths are what lists.range gets: cel-go makes a list of any length, until memory ends.
var rangeLengths = []string{"-1", "0", "1", "3", "1000"}

var zones = []string{"'UTC'", "'+02:00'", "'-08:30'", "'Nowhere/City'", "''", "'America/New_York'", "'24:00'", "'+2:00'"}

// claimPaths are expressions over the sample claims.
var claimPaths = []string{
	"claims.sub", "claims.aud", "claims.email_verified", "claims.exp", "claims.iat", "claims.big", "claims.nothing", "claims.empty",
	"claims.groups", "claims.roles", "claims.mixed", "claims.mixed[4]", "claims.nested.a.b.c", "claims.nested.list[0]",
	"claims.kubernetes__dot__io.pod.name", "claims['kubernetes.io']", "claims.a__dash__b", "claims.unicode", "claims.missing",
	"claims.empty_list", "claims.empty_map", "claims.?sub", "claims.?missing.nested", "claims[?'groups'][?0]", "has(claims.sub)",
	"claims.groups[0]", "claims.groups[7]", "claims.exp[0]", "claims", "claims.neg",
}

// sampleClaims have a value of each type of JSON.
const sampleClaims = `{
	"sub": "248289761001", "aud": ["a", "b"], "email_verified": true, "exp": 1700081020, "iat": 1.5, "big": 1e21, "neg": -3,
	"nothing": null, "empty": "", "groups": ["dev", "ops", ""], "roles": "admin,user",
	"mixed": ["a", 1, null, true, {"k": "v"}, [1]],
	"nested": {"a": {"b": {"c": "deep"}}, "list": [{"x.y": 1}]},
	"kubernetes.io": {"pod": {"name": "p"}}, "a-b": "dash", "unicode": "Straße 😀", "empty_list": [], "empty_map": {}
}`
