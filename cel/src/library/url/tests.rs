//! Rows for URLs. Values and costs are those of kube-apiserver 1.36.

use crate::library::kubernetes::tests::{assert_rows, evaluate};

#[test]
fn urls_are_parsed_as_go_does() {
    assert_rows(&[
        (
            r#"url("https://user:pass@example.com:80/path?query=val#fragment")"#,
            "https://user:pass@example.com:80/path?query=val#fragment",
            6,
        ),
        (r#"url("HTTPS://A/")"#, "https://A/", 1),
        (r#"url("/absolute-path")"#, "/absolute-path", 2),
        (r#"url("//host/x")"#, "//host/x", 1),
        (r#"url("///x")"#, "///x", 1),
        (r#"url("*")"#, "*", 1),
        (r#"url("https:")"#, "https:", 1),
        (r#"url("http:/x")"#, "http:/x", 1),
        (r#"url("https:///x")"#, "https:///x", 1),
        (r#"url("mailto:a@b?c")"#, "mailto:a@b?c", 2),
        (r#"url("https://h?")"#, "https://h?", 1),
        (r#"url("https://h??")"#, "https://h??", 2),
        (r#"url("https://u%41:p%2f@h/")"#, "https://uA:p%2F@h/", 2),
        (r#"url("https://@h")"#, "https://@h", 1),
        (r#"url("https://u@q@h")"#, "https://u%40q@h", 2),
        (r#"url("https://h/a%2fb%20c;x")"#, "https://h/a%2fb%20c;x", 3),
        (r#"url("https://h/a%2fb c")"#, "https://h/a/b%20c", 2),
        (r#"url("https://h/é")"#, "https://h/%C3%A9", 2),
        (r#"url("https://h/[a]")"#, "https://h/[a]", 2),
        (r#"url("https://h/!'()*")"#, "https://h/!'()*", 2),
        (r#"url("https://h/#%41")"#, "https://h/#%41", 2),
        (r#"url("https://h/#é?")"#, "https://h/#%C3%A9?", 2),
        (r#"url("https://h/?é")"#, "https://h/?é", 2),
        (r#"url("https://é/")"#, "https://%C3%A9/", 1),
        (r#"url("https://%c3%a9/")"#, "https://%C3%A9/", 2),
        (r#"url("https://[::1]:80/")"#, "https://[::1]:80/", 2),
        (r#"url("https://[fe80::1%25en0]")"#, "https://[fe80::1%25en0]", 3),
        (r#"url("https://[::ffff:1.2.3.4]")"#, "https://[::ffff:1.2.3.4]", 3),
        (r#"url("ftp://h:1:2/")"#, "ftp://h:1:2/", 2),
        (r#"url("x:y:z")"#, "x:y:z", 1),
        (r#"url("https://h/a?b=c?d")"#, "https://h/a?b=c?d", 2),
    ]);
}

#[test]
fn what_is_no_url_is_refused_in_gos_words() {
    assert_rows(&[
        (r#"url("")"#, r#"error: URL parse error during conversion from string: parse "": empty url"#, 0),
        (
            r#"url("a")"#,
            r#"error: URL parse error during conversion from string: parse "a": invalid URI for request"#,
            1,
        ),
        (
            r#"url("../a")"#,
            r#"error: URL parse error during conversion from string: parse "../a": invalid URI for request"#,
            1,
        ),
        (
            r##"url("#a")"##,
            r##"error: URL parse error during conversion from string: parse "#a": invalid URI for request"##,
            1,
        ),
        (
            r#"url("1a:b")"#,
            r#"error: URL parse error during conversion from string: parse "1a:b": invalid URI for request"#,
            1,
        ),
        (
            r#"url("://")"#,
            r#"error: URL parse error during conversion from string: parse "://": missing protocol scheme"#,
            1,
        ),
        (
            r#"url("https://a:b:c/")"#,
            r#"error: URL parse error during conversion from string: parse "https://a:b:c/": invalid port ":b:c" after host"#,
            2,
        ),
        (
            r#"url("https://h:80:90")"#,
            r#"error: URL parse error during conversion from string: parse "https://h:80:90": invalid port ":80:90" after host"#,
            2,
        ),
        (
            r#"url("https://h:1a")"#,
            r#"error: URL parse error during conversion from string: parse "https://h:1a": invalid port ":1a" after host"#,
            2,
        ),
        (
            r#"url("https://[::1]x")"#,
            r#"error: URL parse error during conversion from string: parse "https://[::1]x": invalid port "x" after host"#,
            2,
        ),
        (
            r#"url("https://[::1")"#,
            r#"error: URL parse error during conversion from string: parse "https://[::1": missing ']' in host"#,
            2,
        ),
        (
            r#"url("https://a[::1]")"#,
            r#"error: URL parse error during conversion from string: parse "https://a[::1]": invalid IP-literal"#,
            2,
        ),
        (
            r#"url("https://[1.2.3.4]")"#,
            r#"error: URL parse error during conversion from string: parse "https://[1.2.3.4]": invalid IP-literal"#,
            2,
        ),
        (
            r#"url("https://[x]")"#,
            r#"error: URL parse error during conversion from string: parse "https://[x]": invalid host: ParseAddr("x"): unable to parse IP"#,
            2,
        ),
        (
            r#"url("https://[]")"#,
            r#"error: URL parse error during conversion from string: parse "https://[]": invalid host: ParseAddr(""): unable to parse IP"#,
            1,
        ),
        (
            r#"url("https://[1::2::3]")"#,
            r#"error: URL parse error during conversion from string: parse "https://[1::2::3]": invalid host: ParseAddr("1::2::3"): multiple :: in address (at ":3")"#,
            2,
        ),
        (
            r#"url("https://[fe80::1%en0]")"#,
            r#"error: URL parse error during conversion from string: parse "https://[fe80::1%en0]": invalid URL escape "%en""#,
            3,
        ),
        (
            r#"url("https://[fe80::1%25]")"#,
            r#"error: URL parse error during conversion from string: parse "https://[fe80::1%25]": invalid host: ParseAddr("fe80::1%"): zone must be a non-empty string"#,
            2,
        ),
        (
            r#"url("https://[::1%25%2f]")"#,
            r#"error: URL parse error during conversion from string: parse "https://[::1%25%2f]": invalid URL escape "%2f""#,
            2,
        ),
        (
            r#"url("https://%41")"#,
            r#"error: URL parse error during conversion from string: parse "https://%41": invalid URL escape "%41""#,
            2,
        ),
        (
            r#"url("https://a%")"#,
            r#"error: URL parse error during conversion from string: parse "https://a%": invalid URL escape "%""#,
            1,
        ),
        (
            r#"url("https://a/%zz")"#,
            r#"error: URL parse error during conversion from string: parse "https://a/%zz": invalid URL escape "%zz""#,
            2,
        ),
        (
            r#"url("https://a/%é")"#,
            r#"error: URL parse error during conversion from string: parse "https://a/%é": invalid URL escape "%é""#,
            2,
        ),
        (
            r#"url("https://a/#%")"#,
            r#"error: URL parse error during conversion from string: parse "https://a/#%": invalid URL escape "%""#,
            2,
        ),
        (
            r#"url("https://a#x")"#,
            r##"error: URL parse error during conversion from string: parse "https://a#x": invalid character "#" in host name"##,
            2,
        ),
        (
            r#"url("https://a b")"#,
            r#"error: URL parse error during conversion from string: parse "https://a b": invalid character " " in host name"#,
            2,
        ),
        (
            r#"url("//a b")"#,
            r#"error: URL parse error during conversion from string: parse "//a b": invalid character " " in host name"#,
            1,
        ),
        (
            r#"url("https://a/\u007f")"#,
            r#"error: URL parse error during conversion from string: parse "https://a/\x7f": net/url: invalid control character in URL"#,
            2,
        ),
        (
            r#"url("https://a/\n")"#,
            r#"error: URL parse error during conversion from string: parse "https://a/\n": net/url: invalid control character in URL"#,
            2,
        ),
        (
            r#"url("https://a|b")"#,
            r#"error: URL parse error during conversion from string: parse "https://a|b": invalid character "|" in host name"#,
            2,
        ),
        (
            r#"url("https://u é@a")"#,
            r#"error: URL parse error during conversion from string: parse "https://u é@a": net/url: invalid userinfo"#,
            2,
        ),
        (
            r#"url("https://u%zz@a")"#,
            r#"error: URL parse error during conversion from string: parse "https://u%zz@a": invalid URL escape "%zz""#,
            2,
        ),
        (
            r#"url("https://u:%z@a")"#,
            r#"error: URL parse error during conversion from string: parse "https://u:%z@a": invalid URL escape "%z""#,
            2,
        ),
    ]);
}

#[test]
fn the_form_uri_is_what_is_url_takes() {
    assert_rows(&[
        (r#"isURL("https://a")"#, "true", 1),
        (r#"isURL("//a b")"#, "true", 1),
        (r#"isURL("a")"#, "false", 1),
        (r#"isURL("https://a#x")"#, "false", 1),
        (r#"isURL("*")"#, "true", 1),
        (r#"isURL("")"#, "false", 1),
    ]);
}

#[test]
fn parts_of_urls() {
    assert_rows(&[
        (r#"url("HTTPS://a").getScheme()"#, "'https'", 2),
        (r#"url("/a").getScheme()"#, "''", 2),
        (r#"url("https://u@A:80/").getHost()"#, "'A:80'", 3),
        (r#"url("https://[::1]:80").getHost()"#, "'[::1]:80'", 3),
        (r#"url("https://a%25b").getHost()"#, "'a%b'", 3),
        (r#"url("/a").getHost()"#, "''", 2),
        (r#"url("https://%c3%a9:1").getHost()"#, "'é:1'", 3),
        (r#"url("https://a:").getHost()"#, "'a:'", 2),
        (r#"url("https://a:80/").getHostname()"#, "'a'", 3),
        (r#"url("https://a:").getHostname()"#, "'a'", 2),
        (r#"url("https://[::1]:80").getHostname()"#, "'::1'", 3),
        (r#"url("https://[::1]").getHostname()"#, "'::1'", 3),
        (r#"url("https://[fe80::1%25en0]").getHostname()"#, "'fe80::1%en0'", 4),
        (r#"url("/a").getHostname()"#, "''", 2),
        (r#"url("ftp://h:1:2").getHostname()"#, "'h:1'", 3),
        (r#"url("https://a:80/").getPort()"#, "'80'", 3),
        (r#"url("https://a:").getPort()"#, "''", 2),
        (r#"url("https://[::1]:80").getPort()"#, "'80'", 3),
        (r#"url("https://[::1]").getPort()"#, "''", 3),
        (r#"url("https://a").getPort()"#, "''", 2),
        (r#"url("ftp://h:1:2").getPort()"#, "'2'", 3),
        (r#"url("https://a").getEscapedPath()"#, "''", 2),
        (r#"url("https://a/with spaces/").getEscapedPath()"#, "'/with%20spaces/'", 4),
        (r#"url("https://a/%41%2f").getEscapedPath()"#, "'/%41%2f'", 3),
        (r#"url("https://a/%41%2f é").getEscapedPath()"#, "'/A/%20%C3%A9'", 3),
        (r#"url("*").getEscapedPath()"#, "'*'", 2),
        (r#"url("mailto:a").getEscapedPath()"#, "''", 2),
        (r#"url("https://a/[]%c3%a9").getEscapedPath()"#, "'/[]%c3%a9'", 3),
        (r#"url("https://a").getQuery()"#, "{}", 2),
        (r#"url("https://a?").getQuery()"#, "{}", 2),
        (r#"url("https://a?k1=a&k2=b&k2=c").getQuery()"#, "{'k1': ['a'], 'k2': ['b', 'c']}", 4),
        (r#"url("https://a?key with spaces=value+%2b").getQuery()"#, "{'key with spaces': ['value +']}", 5),
        (r#"url("https://a?a;b=1&b=2;3&c=4").getQuery()"#, "{'c': ['4']}", 4),
        (r#"url("https://a?%zz=1&a=%z&b").getQuery()"#, "{'b': ['']}", 4),
        (r#"url("https://a?=1&&=2").getQuery()"#, "{'': ['1', '2']}", 3),
        (r#"url("https://a?a=b=c&%41=1").getQuery()"#, "{'A': ['1'], 'a': ['b=c']}", 4),
    ]);
}

#[test]
fn equality_is_by_text() {
    assert_rows(&[
        (r#"url("HTTPS://a/b%20c") == url("https://a/b c")"#, "true", 5),
        (r#"url("https://a") == url("https://a/")"#, "false", 3),
        (r#"url("https://a?") == url("https://a")"#, "false", 3),
        (r#"url("https://A") == url("https://a")"#, "false", 3),
    ]);
}

/// Go's strings hold any bytes; ours don't, so these have no value.
#[test]
fn what_is_not_utf8_has_no_value() {
    for expression in [
        r#"url("https://%ff/").getHost()"#,
        r#"url("https://%ff/").getHostname()"#,
        r#"url("https://a?a=%ff").getQuery()"#,
        r#"url("https://a?%ff=a").getQuery()"#,
    ] {
        assert_eq!(evaluate(expression).0, "error: part of a URL is not UTF-8", "{expression}");
    }
    assert_eq!(evaluate(r#"url("https://%ff/").getPort()"#).0, "''");
}

#[test]
fn go_reads_ten_thousand_parameters() {
    for (count, query) in [(10_000, "{'a': [''"), (10_001, "{}")] {
        let parameters = vec!["a"; count].join("&");
        let found = evaluate(&format!("url(\"/?{parameters}\").getQuery()")).0;
        assert!(found.starts_with(query), "{count}");
    }
}
