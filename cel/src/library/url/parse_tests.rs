//! The right sides are what Go 1.26's `url.Parse` answers.

use super::parse;

/// Scheme, then one letter each for what is there: `u`serinfo, `q`uery, `f`ragment.
#[test]
fn what_go_accepts_is_accepted() {
    for (text, scheme, parts) in [
        ("https://a", "https", ""),
        ("HTTPS://a", "https", ""),
        ("https://a/", "https", ""),
        ("https://a?", "https", ""),
        ("https://a?x", "https", "q"),
        ("https://a/?x=1", "https", "q"),
        ("https://a#", "https", ""),
        ("https://a#x", "https", "f"),
        ("https://a/?#", "https", ""),
        ("https://u@a", "https", "u"),
        ("https://@a", "https", "u"),
        ("https://u:p@a", "https", "u"),
        ("https://u:p@q@a:1", "https", "u"),
        ("http://a", "http", ""),
        ("ftp://a", "ftp", ""),
        ("", "", ""),
        ("*", "", ""),
        ("a", "", ""),
        ("a/b:c", "", ""),
        ("a:b", "a", ""),
        ("//a", "", ""),
        ("///a", "", ""),
        ("////a", "", ""),
        ("/a", "", ""),
        ("https:", "https", ""),
        ("https:foo", "https", ""),
        ("https:foo?x", "https", "q"),
        ("https:///x", "https", ""),
        ("https:/x", "https", ""),
        ("https://h:", "https", ""),
        ("https://h:80", "https", ""),
        ("ftp://h:1:2", "ftp", ""),
        ("ftp://h:a:2", "ftp", ""),
        ("https://[::1]", "https", ""),
        ("https://[::1]:80", "https", ""),
        ("https://[fe80::1%25en0]", "https", ""),
        ("https://[::ffff:1.2.3.4]", "https", ""),
        ("https://[::1%2520]", "https", ""),
        ("https://[::1%25%41]", "https", ""),
        ("https://[::1%25%20]", "https", ""),
        ("https://%c3%a9", "https", ""),
        ("https://a/%41", "https", ""),
        ("https://a?%", "https", "q"),
        ("https://a/b c", "https", ""),
        ("https://a\"b", "https", ""),
        ("https://a<b>", "https", ""),
        ("https://é", "https", ""),
        ("https://u%41@a", "https", "u"),
        ("https+x://a", "https+x", ""),
        ("ht-t.p+s://a", "ht-t.p+s", ""),
        ("https://a??", "https", "q"),
        ("https://a?x#y?z", "https", "qf"),
        ("https://a#x#y", "https", "f"),
        ("https://a/#%41", "https", "f"),
        ("mailto:x", "mailto", ""),
        ("https://a/%c3", "https", ""),
        ("https://a:b@c", "https", "u"),
        ("https://user@", "https", "u"),
        ("https://:80", "https", ""),
        ("https://a;b", "https", ""),
        ("https://a/?%zz", "https", "q"),
        ("https://%25", "https", ""),
        ("https://a%25b", "https", ""),
        ("https://a]", "https", ""),
        ("https://]", "https", ""),
    ] {
        let url = parse(text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
        let present: String = [('u', url.has_userinfo()), ('q', url.has_query()), ('f', url.has_fragment())]
            .into_iter()
            .filter_map(|(letter, is_there)| is_there.then_some(letter))
            .collect();
        assert_eq!((url.scheme(), present.as_str()), (scheme, parts), "{text}");
    }
}

#[test]
fn what_go_refuses_is_refused_in_its_words() {
    for (text, problem) in [
        ("1a:b", "parse \"1a:b\": first path segment in URL cannot contain colon"),
        (":", "parse \":\": missing protocol scheme"),
        ("://", "parse \"://\": missing protocol scheme"),
        (
            "https://h:invalid-port",
            "parse \"https://h:invalid-port\": invalid port \":invalid-port\" after host",
        ),
        ("https://h:80:90", "parse \"https://h:80:90\": invalid port \":80:90\" after host"),
        ("https://h:1a", "parse \"https://h:1a\": invalid port \":1a\" after host"),
        ("https://[::1]x", "parse \"https://[::1]x\": invalid port \"x\" after host"),
        ("https://[::1", "parse \"https://[::1\": missing ']' in host"),
        ("https://a[::1]", "parse \"https://a[::1]\": invalid IP-literal"),
        ("https://[fe80::1%en0]", "parse \"https://[fe80::1%en0]\": invalid URL escape \"%en\""),
        ("https://[1.2.3.4]", "parse \"https://[1.2.3.4]\": invalid IP-literal"),
        ("https://[x]", "parse \"https://[x]\": invalid host: ParseAddr(\"x\"): unable to parse IP"),
        (
            "https://[fe80::1%25]",
            "parse \"https://[fe80::1%25]\": invalid host: ParseAddr(\"fe80::1%\"): zone must be a non-empty string",
        ),
        (
            "https://[::1]]",
            "parse \"https://[::1]]\": invalid host: ParseAddr(\"::1]\"): unexpected character, want colon (at \"]\")",
        ),
        (
            "https://[1::2::3]",
            "parse \"https://[1::2::3]\": invalid host: ParseAddr(\"1::2::3\"): multiple :: in address (at \":3\")",
        ),
        (
            "https://[:::]",
            "parse \"https://[:::]\": invalid host: ParseAddr(\":::\"): each colon-separated field must have at \
             least one digit (at \":\")",
        ),
        (
            "https://[1:2]",
            "parse \"https://[1:2]\": invalid host: ParseAddr(\"1:2\"): address string too short",
        ),
        ("https://[]", "parse \"https://[]\": invalid host: ParseAddr(\"\"): unable to parse IP"),
        ("https://[::1%25%2f]", "parse \"https://[::1%25%2f]\": invalid URL escape \"%2f\""),
        ("https://%41", "parse \"https://%41\": invalid URL escape \"%41\""),
        ("https://a%", "parse \"https://a%\": invalid URL escape \"%\""),
        ("https://a%zz", "parse \"https://a%zz\": invalid URL escape \"%zz\""),
        ("https://a%2", "parse \"https://a%2\": invalid URL escape \"%2\""),
        ("https://a/%", "parse \"https://a/%\": invalid URL escape \"%\""),
        ("https://a/%zz", "parse \"https://a/%zz\": invalid URL escape \"%zz\""),
        ("https://a/%é", "parse \"https://a/%é\": invalid URL escape \"%é\""),
        ("https://a/%€x", "parse \"https://a/%€x\": invalid URL escape \"%\\xe2\\x82\""),
        ("https://a/%2", "parse \"https://a/%2\": invalid URL escape \"%2\""),
        ("https://a#%", "parse \"https://a#%\": invalid URL escape \"%\""),
        ("https://a b", "parse \"https://a b\": invalid character \" \" in host name"),
        ("https://a\tb", "parse \"https://a\\tb\": net/url: invalid control character in URL"),
        ("https://a/\u{7f}", "parse \"https://a/\\x7f\": net/url: invalid control character in URL"),
        ("https://a{b", "parse \"https://a{b\": invalid character \"{\" in host name"),
        ("https://a|b", "parse \"https://a|b\": invalid character \"|\" in host name"),
        ("https://a\\b", "parse \"https://a\\\\b\": invalid character \"\\\\\" in host name"),
        ("https://a^b", "parse \"https://a^b\": invalid character \"^\" in host name"),
        ("https://a`b", "parse \"https://a`b\": invalid character \"`\" in host name"),
        ("https://u é@a", "parse \"https://u é@a\": net/url: invalid userinfo"),
        ("https://u%@a", "parse \"https://u%@a\": invalid URL escape \"%\""),
        ("https://u%zz@a", "parse \"https://u%zz@a\": invalid URL escape \"%zz\""),
        ("https://u:%zz@a", "parse \"https://u:%zz@a\": invalid URL escape \"%zz\""),
        ("ht tps://a", "parse \"ht tps://a\": first path segment in URL cannot contain colon"),
        ("https ://a", "parse \"https ://a\": first path segment in URL cannot contain colon"),
        (" https://a", "parse \" https://a\": first path segment in URL cannot contain colon"),
        ("https://a ", "parse \"https://a \": invalid character \" \" in host name"),
        ("é://a", "parse \"é://a\": first path segment in URL cannot contain colon"),
        ("http://[::1]:%38", "parse \"http://[::1]:%38\": invalid port \":%38\" after host"),
        ("https://[::1]%41", "parse \"https://[::1]%41\": invalid port \"%41\" after host"),
        ("https://[[::1]]", "parse \"https://[[::1]]\": invalid IP-literal"),
        ("https://h:80]", "parse \"https://h:80]\": invalid port \":80]\" after host"),
    ] {
        assert_eq!(parse(text).unwrap_err(), problem, "{text}");
    }
}

#[test]
fn the_host_is_told_apart() {
    for (text, host) in [
        ("https://u@a:1/x", "a:1"),
        ("https://a", "a"),
        ("https:///x", ""),
        ("https:x", ""),
        ("https:/x", ""),
    ] {
        assert_eq!(parse(text).unwrap().host(), host.as_bytes(), "{text}");
    }
}
