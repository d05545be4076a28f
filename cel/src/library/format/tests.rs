//! Rows for formats. Values and costs are those of kube-apiserver 1.36.

use crate::library::kubernetes::tests::{assert_rows, evaluate};

#[test]
fn names_that_are_no_format() {
    assert_rows(&[
        (r#"format.named("x")"#, "none", 1),
        (r#"format.named("DNS1123Label")"#, "none", 1),
        (r#"format.named("date-time")"#, "none", 1),
    ]);
}

#[test]
fn formats_equal_themselves() {
    assert_rows(&[
        ("format.uuid() == format.uuid()", "true", 3),
        ("format.dns1123Label() == format.dns1123LabelPrefix()", "false", 3),
    ]);
}

#[test]
fn names_have_formats() {
    assert_rows(&[
        (r#"format.dns1123Label().validate("my-name")"#, "none", 9),
        (r#"format.dns1123Label().validate("9a")"#, "none", 9),
        (r#"format.dns1123Label().validate("a")"#, "none", 9),
        (
            r#"format.dns1123Label().validate("")"#,
            "some ['a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')']",
            9,
        ),
        (r#"format.dns1123Label().validate("a.b")"#, "some ['must not contain dots']", 9),
        (
            r#"format.dns1123Label().validate("A")"#,
            "some ['a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')']",
            9,
        ),
        (
            r#"format.dns1123Label().validate("-a")"#,
            "some ['a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')']",
            9,
        ),
        (
            r#"format.dns1123Label().validate("a-")"#,
            "some ['a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')']",
            9,
        ),
        (
            r#"format.dns1123Label().validate("a..b")"#,
            "some ['a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')']",
            9,
        ),
        (
            r#"format.dns1123Label().validate("é")"#,
            "some ['a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')']",
            9,
        ),
        (
            r#"format.dns1123Label().validate("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")"#,
            "none",
            57,
        ),
        (
            r#"format.dns1123Label().validate("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")"#,
            "some ['must be no more than 63 characters']",
            57,
        ),
        (
            r#"format.dns1123Label().validate("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b")"#,
            "some ['must be no more than 63 characters', 'must not contain dots']",
            57,
        ),
        (r#"format.dns1123LabelPrefix().validate("my-")"#, "none", 9),
        (r#"format.dns1123LabelPrefix().validate("my--")"#, "none", 9),
        (
            r#"format.dns1123LabelPrefix().validate("-")"#,
            "some ['a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')']",
            9,
        ),
        (r#"format.dns1123LabelPrefix().validate("a-")"#, "none", 9),
        (r#"format.dns1123LabelPrefix().validate("--")"#, "none", 9),
        (
            r#"format.dns1123LabelPrefix().validate("é-")"#,
            "some ['a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')']",
            9,
        ),
        (r#"format.dns1123LabelPrefix().validate("a.-")"#, "none", 9),
        (r#"format.dns1123Subdomain().validate("a.b-c.9")"#, "none", 16),
        (
            r#"format.dns1123Subdomain().validate("a..b")"#,
            r#"some ['a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')']"#,
            16,
        ),
        (
            r#"format.dns1123Subdomain().validate(".a")"#,
            r#"some ['a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')']"#,
            16,
        ),
        (
            r#"format.dns1123Subdomain().validate("a.")"#,
            r#"some ['a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')']"#,
            16,
        ),
        (
            r#"format.dns1123Subdomain().validate("a_b")"#,
            r#"some ['a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')']"#,
            16,
        ),
        (
            r#"format.dns1123Subdomain().validate("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.a")"#,
            "none",
            391,
        ),
        (
            r#"format.dns1123Subdomain().validate("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.ab")"#,
            "some ['must be no more than 253 characters']",
            391,
        ),
        (r#"format.dns1123SubdomainPrefix().validate("a.b-")"#, "none", 16),
        (r#"format.dns1123SubdomainPrefix().validate("a.-")"#, "none", 16),
        (r#"format.dns1123SubdomainPrefix().validate("a-")"#, "none", 16),
        (r#"format.dns1035Label().validate("my-name")"#, "none", 9),
        (
            r#"format.dns1035Label().validate("9a")"#,
            "some ['a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')']",
            9,
        ),
        (
            r#"format.dns1035Label().validate("")"#,
            "some ['a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')']",
            9,
        ),
        (
            r#"format.dns1035Label().validate("a.b")"#,
            "some ['a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')']",
            9,
        ),
        (r#"format.dns1035LabelPrefix().validate("my-")"#, "none", 9),
        (r#"format.dns1035LabelPrefix().validate("9-")"#, "none", 9),
        (r#"format.labelValue().validate("")"#, "none", 11),
        (r#"format.labelValue().validate("a")"#, "none", 11),
        (r#"format.labelValue().validate("MyValue_1.x")"#, "none", 21),
        (
            r#"format.labelValue().validate("_a")"#,
            "some ['a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')']",
            11,
        ),
        (
            r#"format.labelValue().validate("a_")"#,
            "some ['a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')']",
            11,
        ),
        (
            r#"format.labelValue().validate("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")"#,
            "some ['must be no more than 63 bytes']",
            71,
        ),
        (
            r#"format.labelValue().validate("a/b")"#,
            "some ['a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')']",
            11,
        ),
        (r#"format.qualifiedName().validate("MyName")"#, "none", 16),
        (r#"format.qualifiedName().validate("example.com/MyName")"#, "none", 31),
        (
            r#"format.qualifiedName().validate("")"#,
            "some ['name part must be non-empty', 'name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')']",
            16,
        ),
        (
            r#"format.qualifiedName().validate("example.com/")"#,
            "some ['name part must be non-empty', 'name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')']",
            31,
        ),
        (r#"format.qualifiedName().validate("/a")"#, "some ['prefix part must be non-empty']", 16),
        (
            r#"format.qualifiedName().validate("a/b/c")"#,
            "some ['a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')']",
            16,
        ),
        (
            r#"format.qualifiedName().validate("Example.com/a")"#,
            r#"some ['prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')']"#,
            31,
        ),
        (
            r#"format.qualifiedName().validate("a/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")"#,
            "some ['name part must be no more than 63 bytes']",
            106,
        ),
        (
            r#"format.qualifiedName().validate("a/_")"#,
            "some ['name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')']",
            16,
        ),
    ]);
}

#[test]
fn other_texts_have_formats() {
    assert_rows(&[
        (r#"format.uri().validate("https://a")"#, "none", 277),
        (r#"format.uri().validate("a")"#, r#"some ['parse "a": invalid URI for request']"#, 277),
        (r#"format.uuid().validate("123e4567-e89b-12d3-a456-426614174000")"#, "none", 73),
        (r#"format.uuid().validate("123E4567E89B12d3a456426614174000")"#, "none", 73),
        (
            r#"format.uuid().validate("123e4567--e89b-12d3-a456-426614174000")"#,
            "some ['does not match the UUID format']",
            73,
        ),
        (
            r#"format.uuid().validate("123e4567-e89b-12d3-a456-42661417400")"#,
            "some ['does not match the UUID format']",
            73,
        ),
        (
            r#"format.uuid().validate("g23e4567-e89b-12d3-a456-426614174000")"#,
            "some ['does not match the UUID format']",
            73,
        ),
        (
            r#"format.uuid().validate("-123e4567-e89b-12d3-a456-426614174000")"#,
            "some ['does not match the UUID format']",
            73,
        ),
        (r#"format.byte().validate("aGVsbG8=")"#, "none", 22),
        (r#"format.byte().validate("aGVsbA==")"#, "none", 22),
        (r#"format.byte().validate("aGVs")"#, "none", 22),
        (r#"format.byte().validate("")"#, "some ['invalid base64']", 22),
        (r#"format.byte().validate("====")"#, "some ['invalid base64']", 22),
        (r#"format.byte().validate("a===")"#, "some ['invalid base64']", 22),
        (r#"format.byte().validate("abc")"#, "some ['invalid base64']", 22),
        (r#"format.byte().validate("aG=s")"#, "some ['invalid base64']", 22),
        (r#"format.byte().validate("aGVsbG8-")"#, "some ['invalid base64']", 22),
        (r#"format.byte().validate("abcd=efg")"#, "some ['invalid base64']", 22),
        (r#"format.date().validate("2021-01-31")"#, "none", 37),
        (r#"format.date().validate("2021-02-29")"#, "some ['invalid date']", 37),
        (r#"format.date().validate("2020-02-29")"#, "none", 37),
        (r#"format.date().validate("1900-02-29")"#, "some ['invalid date']", 37),
        (r#"format.date().validate("2000-02-29")"#, "none", 37),
        (r#"format.date().validate("0000-02-29")"#, "none", 37),
        (r#"format.date().validate("2021-13-01")"#, "some ['invalid date']", 37),
        (r#"format.date().validate("2021-00-10")"#, "some ['invalid date']", 37),
        (r#"format.date().validate("2021-04-31")"#, "some ['invalid date']", 37),
        (r#"format.date().validate("2021-01-00")"#, "some ['invalid date']", 37),
        (r#"format.date().validate("2021-1-1")"#, "some ['invalid date']", 19),
        (r#"format.date().validate("+021-01-01")"#, "some ['invalid date']", 37),
        (r#"format.date().validate("2021-01-01 ")"#, "some ['invalid date']", 37),
        (r#"format.datetime().validate("2021-01-01T00:00:00Z")"#, "none", 55),
        (r#"format.datetime().validate("2021-01-01t23:59:59z")"#, "none", 55),
        (r#"format.datetime().validate("2021-01-01T24:00:00Z")"#, "some ['invalid datetime']", 55),
        (r#"format.datetime().validate("2021-01-01T00:60:00Z")"#, "some ['invalid datetime']", 55),
        (r#"format.datetime().validate("2021-01-01T00:00:60Z")"#, "some ['invalid datetime']", 55),
        (r#"format.datetime().validate("2021-01-01T00:00:00.123Z")"#, "none", 55),
        (r#"format.datetime().validate("2021-01-01T00:00:00.Z")"#, "some ['invalid datetime']", 55),
        (r#"format.datetime().validate("2021-01-01T00:00:00x5Z")"#, "none", 55),
        (r#"format.datetime().validate("2021-01-01T00:00:00é5Z")"#, "none", 55),
        (r#"format.datetime().validate("2021-01-01T00:00:0055Z")"#, "none", 55),
        (r#"format.datetime().validate("2021-01-01T00:00:00+99:99")"#, "none", 55),
        (r#"format.datetime().validate("2021-01-01T00:00:00+05+01:00")"#, "none", 55),
        (r#"format.datetime().validate("2021-01-01T00:00:00-1:00")"#, "some ['invalid datetime']", 55),
        (r#"format.datetime().validate("2021-01-01T00:00:00ZTx")"#, "none", 55),
        (r#"format.datetime().validate("2021-01-01T00:00:00")"#, "some ['invalid datetime']", 37),
        (r#"format.datetime().validate("2021-01-01 00:00:00Z")"#, "some ['invalid datetime']", 55),
        (r#"format.datetime().validate("2021-02-29T00:00:00Z")"#, "some ['invalid datetime']", 55),
        (r#"format.datetime().validate("2021-01-01T00:00:00\n5Z")"#, "some ['invalid datetime']", 55),
    ]);
}

#[test]
fn formats_are_found_by_name() {
    for name in [
        "byte",
        "date",
        "datetime",
        "dns1035Label",
        "dns1035LabelPrefix",
        "dns1123Label",
        "dns1123LabelPrefix",
        "dns1123Subdomain",
        "dns1123SubdomainPrefix",
        "labelValue",
        "qualifiedName",
        "uri",
        "uuid",
    ] {
        let named = evaluate(&format!("format.named(\"{name}\")")).0;
        assert_eq!(named, format!("some {}", evaluate(&format!("format.{name}()")).0));
    }
}
